//! Requests as phones send them, and requests as nobody should.

use crate::wire::http::RequestError;

/// Good heads; the User-Agents are those of real phones.
pub const GOOD: &[&[u8]] = &[
    b"GET /805ec0aabbcc.boot HTTP/1.1\r\nHost: 10.0.0.1:8667\r\n\
      User-Agent: Yealink SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cc\r\nAccept: */*\r\n\r\n",
    b"GET http://prov.example:8667/y000000000028.cfg?a=b?c HTTP/1.1\r\nHost: other\r\n\
      User-Agent: Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37\r\nConnection: Keep-Alive\r\n\r\n",
    b"GET //SEP00562B043615.cnf.xml HTTP/1.1\r\nHost: [2001:db8::1]:6970\r\n\r\n",
    b"GET /Cisco/00562b043615.xml HTTP/1.0\r\nUser-Agent: Cisco-CP-8841-3PCC/11.0 (00562b043615)\
      \r\nConnection: close\r\n\r\n",
    b"GET /0004f2aabbcc.cfg HTTP/1.1\r\nHost: prov\r\nRange: bytes=0-1023\r\n\
      User-Agent: FileTransport PolycomVVX-VVX_400-UA/4.1.4.7430 Type/Application\r\n\r\n",
    b"PUT /0004f2aabbcc-app.log HTTP/1.1\r\nHost: prov\r\nContent-Length: 11\r\n\
      User-Agent: FileTransport PolycomVVX-VVX_400-UA/4.1.4.7430 Type/Application\r\n\r\n\
      0123456789\n",
    b"PUT /0004f2aabbcc-boot.log HTTP/1.1\r\nHost: prov\r\nTransfer-Encoding: chunked\r\n\r\n\
      4\r\nboot\r\n3;last=1\r\ned\n\r\n0\r\nDigest: x\r\n\r\n",
    b"GET /1220SIP.cfg HTTP/1.1\r\nHost: prov\r\nUser-Agent: AVAYA/SIP12x0\x17/04.00.04.00\r\n\r\n",
    b"GET /1220SIP.cfg HTTP/1.1\r\nHost: prov\r\nuser-agent:\xff\x80AVAYA/SIP12x0\x7f\x01\r\n\r\n",
    b"\r\nGET /46xxsettings.txt HTTP/1.1\r\nHost: prov\r\nIf-None-Match: \"5d41402a\"\r\n\
      User-Agent: Mozilla/4.0 (compatible; MSIE 6.0) AVAYA/J179-4.1.3.0.6 (MAC:c81fea83e85a)\
      \r\n\r\n",
    b"GET /snomD785-000413922D24.htm HTTP/1.0\r\nConnection: keep-alive\r\nUser-Agent: \
      Mozilla/4.0 (compatible; snomD785-SIP 10.1.33.33 2010.12 000413922D24 SXM:0 UXM:0)\r\n\r\n",
    b"GET /gr\xfcn\xff.cfg HTTP/1.1\r\nHost:\r\nUser-Agent: \r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: prov\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\
      \r\n\r\n",
    b"HEAD /c074ad2bd859 HTTP/1.1\r\nHost: prov\r\nExpect: 100-continue\r\n\
      User-Agent: Grandstream Model HW GXP1628 SW 1.0.4.138 DevId c074ad2bd859\r\n\r\n",
    b"GET HTTP://Prov:80 HTTP/1.1\r\nHost: prov\r\nX-Empty:\r\nX-Tab:\ta\tb\t\r\n\r\n",
    b"GET /a HTTP/1.0\r\n\r\n",
    b"PROPFIND / HTTP/1.1\r\nHost: prov_1.example,\r\nContent-Length: 0\r\n\r\n",
    b"POST /jitsi HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\
      Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\r\nuuid=a1",
];

/// Bad heads, and the rule that each breaks.
pub const BAD: &[(&[u8], RequestError)] = &[
    // The request line, RFC 9112 section 3.
    (b"GET /\r\n\r\n", RequestError::Line),
    (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET /a\0\xff HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"G\xffT / HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", RequestError::Line),
    (b"GET / http/1.1\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET / HTTP/11\r\nHost: a\r\n\r\n", RequestError::Line),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", RequestError::Version),
    (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", RequestError::Version),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", RequestError::Version),
    // Line ends, section 2.2.
    (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::BareLineFeed),
    (b"GET / HTTP/1.1\nHost: a\r\n\r\n", RequestError::BareLineFeed),
    (b"GET / HTTP/1.1\r\nHost: a\n\r\n", RequestError::BareLineFeed),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\n", RequestError::BareLineFeed),
    (b"GET / HTTP/1.1\r\nHost: a\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n", {
        RequestError::BareLineFeed
    }),
    // Targets, section 3.2, and RFC 9110 section 4.2.1.
    (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"GET http://:80/a HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"GET http://?a HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"GET http://u@h/a HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"GET ftp://h/a HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    (b"CONNECT h:443 HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Target),
    // Fields, section 5.
    (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nB\t: c\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nB:\r\n\tfolded\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nB: c\0d\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nB: c\rd\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nB: c\x17d\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nB\xff: c\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a\0b\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a\rb\x17\r\n\r\n", RequestError::Field),
    (b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a\x17\r\nB: \x17\r\n\r\n", RequestError::Field),
    // Host, section 3.2.
    (b"GET / HTTP/1.1\r\nAccept: a\r\n\r\n", RequestError::Host),
    (b"GET http://a/ HTTP/1.1\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n", RequestError::Host),
    (b"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", RequestError::Host),
    // Content-Length, section 6.3.
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", RequestError::ContentLength),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", RequestError::ContentLength),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", RequestError::ContentLength),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", RequestError::ContentLength),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", RequestError::ContentLength),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", RequestError::ContentLength),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", {
        RequestError::ContentLength
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n", {
        RequestError::ContentLength
    }),
    // Transfer-Encoding, sections 6.1 and 6.3.
    (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", {
        RequestError::BothLengths
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nContent-Length: 0\r\n\r\n", {
        RequestError::BothLengths
    }),
    (b"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", RequestError::TransferEncoding),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", {
        RequestError::TransferEncoding
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", {
        RequestError::TransferEncoding
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", RequestError::TransferEncoding),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", {
        RequestError::TransferEncoding
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", {
        RequestError::TransferEncoding
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", {
        RequestError::TransferEncoding
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", {
        RequestError::TransferEncoding
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", {
        RequestError::Coding
    }),
    (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n", {
        RequestError::Coding
    }),
    // RFC 9110 section 10.1.1.
    (b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", RequestError::Expectation),
];
