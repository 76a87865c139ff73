"""What Mallory types into every field, and the JSON that means two things."""

import json

SQL = r"""
    '  ''  "  `  '--  '#  ')  '))  ' OR '1'='1  ' OR 1=1--  ' OR 1=1#  ') OR ('1'='1  " OR ""="
    admin'--  1;SELECT 1  1 OR 1=1  1' AND '1'='2  '||'x'||'  '+'x'+'  ' UNION SELECT NULL--
    ' UNION SELECT digest FROM integrations_apikey--  '; DROP TABLE customers_customer;--
    '; SELECT pg_sleep(5);--  '||pg_sleep(5)||'  1; WAITFOR DELAY '0:0:5'--  ' AND SLEEP(5)#
    '; COPY x FROM PROGRAM 'id';--  '; SET app.tenant='';--  ' AND 1=CAST(version() AS int)--
    ' OR current_setting('app.tenant')='  $$x$$  $1  %s  %(name)s  {0}  ?  :name  @@version
    /**/OR/**/1  ' AND randomblob(1000000000)--  x' ESCAPE '\  \'  \\'  %27  %2527  0x27  CHAR(39)
    U&'\0027'  ' AND (SELECT 1 FROM (SELECT COUNT(*),1)x)--  '; RESET ROLE;--  'LIKE'%  _  %  %%
    [a-z]
"""
DOCUMENTS = r"""
    {"$ne":null}  {"$gt":""}  {"$where":"sleep(5000)"}  [$ne]=1  ';return true;var x='  $where
    {"$regex":".*"}  true, $where: '1 == 1'  || 1==1  db.x.drop()  {"__proto__":{"admin":true}}
"""
TEMPLATES = r"""
    {{7*7}}  {{7*'7'}}  ${7*7}  #{7*7}  <%= 7*7 %>  {%debug%}  {%include '/etc/passwd'%}  *{7*7}
    {{settings.SECRET_KEY}}  {{''.__class__.__mro__}}  {{config}}  ${jndi:ldap://127.0.0.1/a}
    ${{7*7}}  @(7*7)  {{constructor.constructor('1')()}}  %{7*7}  {{request}}  $(id)  `id`  |id
    ;id  &&id  $((7*7))  %x%x%n  {0.__class__}  __import__('os')  eval('1')  !!python/object:x
    =cmd|'/C'!A0  =1+1  +1+1  -1+1  @SUM(1)  =HYPERLINK("http://127.0.0.1")
"""
DIRECTORIES = r"""
    *  *)(uid=*  *)(|(uid=*  )(cn=*  *))%00  (|(a=b))  admin)(&)  \2a
    ' or count(/child::node())=1 or '  ../  ../../../../etc/passwd  ..\..\windows\win.ini
    /etc/passwd  ....//  file:///etc/passwd  %2e%2e%2f  C:\boot.ini  \\127.0.0.1\x  ~/.ssh/id_rsa
    /proc/self/environ  con  nul  .  ..  .htaccess
"""
PAGES = r"""
    <script>alert(1)</script>  "><script>alert(1)</script>  <img src=x onerror=alert(1)>
    <svg/onload=alert(1)>  javascript:alert(1)  '-alert(1)-'  </title><script>1</script>
    <iframe src=javascript:1>  &lt;script&gt;  <a href="javascript:1">x</a>
    <math><mi//xlink:href="data:x">  <!--#exec cmd="id"-->  <?php 1 ?>  ]]>
    <!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>  &#x3c;b&#x3e;
    \u003cscript\u003e  <base href=//127.0.0.1>  <meta http-equiv=refresh content=0>
    <style>@import'//127.0.0.1'</style>  %0d%0aSet-Cookie:x=1  \r\nX-Injected: 1
    %E5%98%8A%E5%98%8D  Bcc: x@y.example  null  undefined  NaN  None
"""
UNICODE = [
    "\u212a",
    "\ufb01",
    "\u0130",
    "\u1e9e",
    "\uff1cscript\uff1e",
    "\u02bc OR 1=1",
    "\U0001f600",
]
UNICODE += ["e\u0301", "\u200b", "\u2060x", "\ud55c\uae00", "\u0391\u03b1", "Z\u0351\u036b\u0343"]
INJECTIONS = [
    payload.strip()
    for text in (SQL, DOCUMENTS, TEMPLATES, DIRECTORIES, PAGES)
    for line in text.strip().splitlines()
    for payload in line.split("  ")
    if payload.strip()
] + UNICODE


def not_one_thing() -> list[tuple[str, bytes]]:
    """A name, and a body that is no JSON object, or two at once."""
    text = '{"name": "x", "country": "DE"}'
    return [
        ("the same key twice", b'{"name": "x", "name": "y", "country": "DE"}'),
        ("the same key in two spellings", b'{"name": "x", "n\\u0061me": "y"}'),
        ("the same key twice, deep", b'{"address": {"city": "a", "city": "b"}}'),
        *((f"the number {n}", f'{{"name": {n}}}'.encode()) for n in ODD_NUMBERS),
        ("an end that is none", b'{"name": "x"'),
        ("a comma too many", b'{"name": "x",}'),
        ("single quotes", b"{'name': 'x'}"),
        ("a comment", b'{"name": "x"} // x'),
        ("a comment inside", b'{/**/"name": "x"}'),
        ("a second object", text.encode() * 2),
        ("a byte after the end", text.encode() + b"x"),
        ("NUL after the end", text.encode() + b"\0"),
        ("NUL in a name", b'{"name\\u0000": "x"}'),
        ("NUL in a text", b'{"name": "x\\u0000y"}'),
        ("a raw NUL", b'{"name": "x\0y"}'),
        ("a raw line end", b'{"name": "x\ny"}'),
        ("half a surrogate pair", b'{"name": "\\ud800"}'),
        ("the other half", b'{"name": "\\udc00x"}'),
        ("a pair the wrong way round", b'{"name": "\\udc00\\ud800"}'),
        ("half a pair as a key", b'{"\\ud800": 1}'),
        ("a surrogate in UTF-8", b'{"name": "\xed\xa0\x80"}'),
        ("an overlong slash", b'{"name": "\xc0\xaf"}'),
        ("a broken sequence", b'{"name": "\xff\xfe"}'),
        ("beyond Unicode", b'{"name": "\xf4\x90\x80\x80"}'),
        ("a byte order mark", b"\xef\xbb\xbf" + text.encode()),
        ("UTF-16", text.encode("utf-16")),
        ("UTF-16 without a mark", text.encode("utf-16-le")),
        ("UTF-32", text.encode("utf-32")),
        ("UTF-7", b"+AHsAIg-name+ACI"),
        *((f"{top} at the top", top.encode()) for top in ODD_TOPS),
        ("an array around it", f"[{text}]".encode()),
        ("33 levels", b'{"address": ' * 33 + b"1" + b"}" * 33),
        ("100,000 levels", b"[" * 100_000),
        ("100,000 closed levels", b'{"a":' * 30_000 + b"1" + b"}" * 30_000),
        ("more ends than beginnings", b"]" * 1000 + b"[" * 1000),
        ("white space alone", b" \n\t "),
        ("a form", b"name=x&country=DE"),
        ("XML", b"<name>x</name>"),
        ("a form feed", b"\x0c" + text.encode()),
        ("a prefix of other days", b")]}',\n" + text.encode()),
    ]


_NUMBERS = "NaN Infinity -Infinity 1e999 -1e999 1e9999999999999999999 01 .5 5. +1 0x10 1_000"
ODD_NUMBERS = [*_NUMBERS.split(), "--1", "1e", "True", "None"]
ODD_NUMBERS += ["9" * 5000, "-" + "9" * 5000, "0." + "1" * 5000]
ODD_TOPS = ["null", "true", "0", "1.5", '"x"', "[]", "[{}]", '["name", "x"]', "nul", "{", "}"]

# Values of every JSON type but the right one; each field refuses all that it does not take.
ODD_VALUES = [True, 0, -1, 49.5, 1e300, [], [1], {}, {"$ne": 1}, [[]], "", " \t"]
PROTO = json.dumps(
    {"__proto__": {"role": "owner"}, "constructor": {"prototype": {"role": "owner"}}}
)

# What callers say of themselves in the headers of other people's proxies.
SPOOFS = {
    "X-Forwarded-For": "10.0.0.1",
    "Forwarded": "for=10.0.0.1;host=elsewhere.example;proto=http",
    "X-Real-IP": "10.0.0.1",
    "X-Forwarded-Host": "elsewhere.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "80",
    "X-Forwarded-Prefix": "/elsewhere",
    "X-Forwarded-Server": "elsewhere.example",
    "X-Host": "elsewhere.example",
    "X-Original-URL": "/api/v1/members",
    "X-Rewrite-URL": "/api/v1/members",
    "X-Original-Host": "elsewhere.example",
    "X-Remote-User": "owner@acme.example",
    "X-Tenant": "globex",
    "X-Organization-Id": "00000000-0000-7000-8000-000000000000",
    "X-Role": "owner",
    "X-Scopes": "organization:write",
    "X-Request-Id": 'x", "status": 200, "forged": "',
    "Traceparent": '00-x", "forged": "',
    "User-Agent": 'x"}\n{"forged": 1}',
    "Script-Name": "/elsewhere",
}
