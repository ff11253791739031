<fwCheck>
<EnableAutoUpgrade>1</EnableAutoUpgrade>
<UpgradeServer1>{{ server_url }}/Fanvil</UpgradeServer1>
<UpgradeServer2></UpgradeServer2>
<AutoUpgradeInterval>24</AutoUpgradeInterval>
</fwCheck>

