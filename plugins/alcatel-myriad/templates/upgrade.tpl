<setting id="DeviceFirmwareUpgradeUrl" value="{{ server_url }}/firmware" />
<setting id="DeviceAutoUpgradeEnable" value="true" />
