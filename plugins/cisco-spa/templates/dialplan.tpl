<?xml version="1.0" encoding="UTF-8"?>
<DIALTEMPLATE>
{# Whatever was dialled goes out after a pause. #}
<TEMPLATE MATCH="*" Timeout="3"/>
</DIALTEMPLATE>
