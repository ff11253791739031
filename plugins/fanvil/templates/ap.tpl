<ap>
<DownloadCommonConf>0</DownloadCommonConf>
<DownloadDeviceConf>1</DownloadDeviceConf>
<SaveProvisionInfo>1</SaveProvisionInfo>
{% include "flash.tpl" %}
<pnp>
<PNPEnable>0</PNPEnable>
</pnp>
<opt>
<DHCPOption>66</DHCPOption>
</opt>
</ap>

