<FlashServerIP>{{ server_url }}</FlashServerIP>
<FlashFileName>Fanvil/$mac.cfg</FlashFileName>
<FlashProtocol>4</FlashProtocol>
<FlashMode>1</FlashMode>
<FlashInterval>1</FlashInterval>

