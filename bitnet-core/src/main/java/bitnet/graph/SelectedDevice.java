package bitnet.graph;

import ai.djl.Device;

/// Where tensors live and are computed.
///
/// @param device the device in DJL's terms
/// @param reason why this one, to be shown to the user
public record SelectedDevice(Device device, String reason) {

  /// Whether it is anything but the processor.
  public boolean isAccelerator() {
    return !device.getDeviceType().equals(Device.Type.CPU);
  }
}
