<?xml version="1.0" encoding="UTF-8"?>
<flat-profile>
<Resync_On_Reset ua="na">Yes</Resync_On_Reset>
<Resync_Periodic ua="na">3600</Resync_Periodic>
<Profile_Rule ua="na">{{ server_url }}/ata$PSN.cfg</Profile_Rule>
<Profile_Rule_B ua="na">{{ server_url }}/spa-ata.xml?mac=$MA</Profile_Rule_B>
<Profile_Rule_C ua="na">{{ server_url }}/$MA.xml</Profile_Rule_C>
</flat-profile>
