{% set book = phonebook_url("fanvil-v2", entry="lookup", suffix="&term=") if has_book %}
{% if book %}
<xmlContact index="1">
<Name>{{ book_name }}</Name>
<Addr>{{ book }}</Addr>
<UserName></UserName>
<PassWd></PassWd>
<Sipline>-1</Sipline>
<BindLine>-1</BindLine>
{% if dialect != "video" %}
<PhonebookType>0</PhonebookType>
{% endif %}
</xmlContact>
{% endif %}

