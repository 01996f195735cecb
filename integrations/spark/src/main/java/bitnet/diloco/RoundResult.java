package bitnet.diloco;

import java.io.Serializable;

/// What a worker reports of a round; its weights are in files.
///
/// @param shard the worker's part of the text
/// @param loss mean training loss of its steps, nats per token
/// @param skipped steps that changed nothing
/// @param seconds it took
/// @param digest SHA-256 of the file of its rounded change; "" where there is none
/// @param place where it ran, for people
public record RoundResult(
    int shard, double loss, long skipped, double seconds, String digest, String place)
    implements Serializable {}
