// The template language: what every statement, filter, test and method gives (computed by Jinja
// itself), where errors stand, and that hostile templates end at once.
#include "tests/check.h"

#include "model/text/chat/jinja.h"

#include <string.h>
#include <time.h>

static Arena arena;

static const char VARIABLES[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi there\"}, {\"role\": \"assis"
    "tant\", \"content\": \" Hello! \", \"tool_calls\": [{\"name\": \"f\", \"arguments\""
    ": {\"a\": 1, \"b\": [1, 2.5, null, true]}}]}, {\"role\": \"tool\", \"content\": "
    "\"\"}], \"s\": \"  \\u00dcn\\u00efcode str\\n\", \"n\": 7, \"f\": 2.5, \"l\": [3, 1, "
    "2], \"d\": {\"b\": 1, \"a\": \"x\", \"C\": null}, \"e\": [], \"z\": null, \"t\": true,"
    " \"strs\": [\"b\", \"A\", \"c\", \"a\"], \"big\": [{\"a\": {\"b\": 1}, \"n\": \"x\"}, {\"a\""
    ": {\"b\": 2}, \"n\": \"y\"}, {\"n\": \"z\"}], \"q\": \"it's \\\"q\\\" \\\\ \\n\\t\\u200d \\u0"
    "0e9\", \"bos_token\": \"<s>\"}";

typedef struct Row {
    const char *text, *want;
} Row;

// clang-format off
static const Row ROWS[] = {
    {"{{ s }}|{{ n }}|{{ f }}|{{ l }}|{{ d }}|{{ z }}|{{ t }}|{{ q }}|{{ [q] }}", "  \303\234n\303\257code str\n|7|2.5|[3, 1, 2]|{'b': 1, 'a': 'x', 'C': None}|None|True|it's \"q\" \\ \n\t\342\200\215 \303\251|['it\\'s \"q\" \\\\ \\n\\t\\u200d \303\251']"},
    {"{{ messages }}", "[{'role': 'user', 'content': 'Hi there'}, {'role': 'assistant', 'content': ' Hello! ', 'tool_calls': [{'name': 'f', 'arguments': {'a': 1, 'b': [1, 2.5, None, True]}}]}, {'role': 'tool', 'content': ''}]"},
    {"{{ d.missing }}|{{ d['missing'] }}", "|"},
    {"{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 4 / 2 }}", "7 3 -4 2 3.5 1024 0.5 3.0 0.5 2.0"},
    {"{{ -2 ** 2 }} {{ 2 ** 3 ** 2 }}", "4 64"},
    {"{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ undefinedvar ~ [1] }}", "a1NoneTrue1.0[1]"},
    {"{{ 'a' * 3 }} {{ [1] * 2 }} {{ [1] + [2] }}", "aaa [1, 1] [1, 2]"},
    {"{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1,2] < [1,3] }}", "True False True True True True"},
    {"{{ 1 in l }} {{ 9 not in l }} {{ 'a' in d }} {{ 'nic' in s }} {{ not 1 in l }}", "True True True False False"},
    {"{{ 'x' if n > 5 else 'y' }} {{ 'x' if n > 50 }}|{{ 'x' if false else 'y' if false else 'z' }}", "x |z"},
    {"{% for m in messages %}{{ loop.nextitem.role if loop.nextitem is defined else 'none' }},{% endfor %}", "assistant,tool,none,"},
    {"{% for m in messages if m.role != 'user' %}{{ loop.index }}{{ m.role }}{% else %}none{% endfor %}", "1assistant2tool"},
    {"{% for m in e %}x{% else %}none{% endfor %}", "none"},
    {"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}", "b=1;a=x;C=None;baC"},
    {"{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}{% for k, v in d|dictsort %}{{ k }}={{ v }};{% endfor %}", "b=1;a=x;C=None;a=x;b=1;C=None;"},
    {"{% for c in 'a\303\261b' %}{{ c }}-{% endfor %}", "a-\303\261-b-"},
    {"{% for a, b in [(1,2),(3,4)] %}{{ a }}{{ b }}{% endfor %}", "1234"},
    {"{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if x == 2 %}{% break %}{% endif %}{% endfor %}", "32"},
    {"{% set a = 1 %}{% for x in l %}{% set a = a + x %}{{ a }},{% endfor %}{{ a }}", "4,2,3,1"},
    {"{% set ns = namespace(a=1, b='x') %}{% for x in l %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}", "7x"},
    {"{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d2) = (3, 4) %}{{ c }}{{ d2 }}", "1234"},
    {"{% set x %}abc{{ n }}{% endset %}[{{ x }}]{% set y | upper %}abc{% endset %}{{ y }}", "[abc7]ABC"},
    {"{% if n > 5 %}a{% elif n > 3 %}b{% else %}c{% endif %}{% if n > 15 %}a{% elif n > 3 %}b{% else %}c{% endif %}{% if n > 15 %}a{% elif n > 13 %}b{% else %}c{% endif %}", "abc"},
    {"{% macro m(a, b=2, c=a) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=1,a=2) }}{{ m() }}", "[121][123][212][2]"},
    {"{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(5) }}", "543210"},
    {"{% macro f() %}{{ late }}{% endmacro %}{% set late = 5 %}{{ f() }}", "5"},
    {"{% with a=1, b=2 %}{{ a+b }}{% endwith %}{{ a }}", "3"},
    {"{{ s|trim }}|{{ s|upper }}|{{ s|lower }}|{{ s|title }}|{{ s|capitalize }}|{{ s|length }}|{{ s|wordcount }}", "\303\234n\303\257code str|  \303\234N\303\217CODE STR\n|  \303\274n\303\257code str\n|  \303\234n\303\257code Str\n|  \303\274n\303\257code str\n|14|2"},
    {"{{ 'hello wORLD foo-bar (baz) x_y'|title }}|{{ 'hello wORLD it\\'s'.title() }}|{{ 'hELLO x'.capitalize() }}", "Hello World Foo-Bar (Baz) X_y|Hello World It'S|Hello x"},
    {"{{ l|sort }}{{ l|sort(reverse=true) }}{{ strs|sort }}{{ strs|sort(case_sensitive=true) }}{{ l|reverse|list }}{{ 'abc'|reverse }}", "[1, 2, 3][3, 2, 1]['A', 'a', 'b', 'c']['A', 'a', 'b', 'c'][2, 1, 3]cba"},
    {"{{ l|min }}{{ l|max }}{{ l|sum }}{{ e|max }}|{{ l|first }}{{ l|last }}{{ e|first }}", "136|32"},
    {"{{ big|map(attribute='a.b', default='-')|list }}", "[1, 2, '-']"},
    {"{{ strs|map('upper')|list }}{{ strs|map('replace','a','b')|join('|') }}", "['B', 'A', 'C', 'A']b|A|c|b"},
    {"{{ big|selectattr('a')|list }}{{ big|selectattr('n','equalto','y')|list }}{{ big|rejectattr('a','defined')|list }}", "[{'a': {'b': 1}, 'n': 'x'}, {'a': {'b': 2}, 'n': 'y'}][{'a': {'b': 2}, 'n': 'y'}][{'n': 'z'}]"},
    {"{{ l|select('odd')|list }}{{ l|reject('odd')|list }}{{ l|select('>', 1)|list }}{{ [0,1,'']|select|list }}", "[3, 1][2][3, 2][1]"},
    {"{{ messages|selectattr('role','in',['user','tool'])|map(attribute='role')|list }}", "['user', 'tool']"},
    {"{{ d|tojson }}|{{ messages|tojson }}|{{ q|tojson }}|{{ [1.0, 1e20, 1e-7, 0.1] | tojson }}", "{\"b\": 1, \"a\": \"x\", \"C\": null}|[{\"role\": \"user\", \"content\": \"Hi there\"}, {\"role\": \"assistant\", \"content\": \" Hello! \", \"tool_calls\": [{\"name\": \"f\", \"arguments\": {\"a\": 1, \"b\": [1, 2.5, null, true]}}]}, {\"role\": \"tool\", \"content\": \"\"}]|\"it's \\\"q\\\" \\\\ \\n\\t\342\200\215 \303\251\"|[1.0, 1e+20, 1e-07, 0.1]"},
    {"{{ d|tojson(indent=2) }}{{ messages|tojson(indent=4) }}{{ []|tojson(indent=2) }}{{ {}|tojson(indent=2) }}", "{\n  \"b\": 1,\n  \"a\": \"x\",\n  \"C\": null\n}[\n    {\n        \"role\": \"user\",\n        \"content\": \"Hi there\"\n    },\n    {\n        \"role\": \"assistant\",\n        \"content\": \" Hello! \",\n        \"tool_calls\": [\n            {\n                \"name\": \"f\",\n                \"arguments\": {\n                    \"a\": 1,\n                    \"b\": [\n                        1,\n                        2.5,\n                        null,\n                        true\n                    ]\n                }\n            }\n        ]\n    },\n    {\n        \"role\": \"tool\",\n        \"content\": \"\"\n    }\n][]{}"},
    {"{{ d|tojson(sort_keys=true) }}{{ d|tojson(separators=(',',':')) }}{{ q|tojson(ensure_ascii=true) }}", "{\"C\": null, \"a\": \"x\", \"b\": 1}{\"b\":1,\"a\":\"x\",\"C\":null}\"it's \\\"q\\\" \\\\ \\n\\t\\u200d \\u00e9\""},
    {"{{ l|unique|list }}{{ ['a','A','b']|unique|list }}{{ [1,1.0,true,2]|unique|list }}", "[3, 1, 2]['a', 'b'][1, 2]"},
    {"{{ 'a,b,,c'.split(',') }}{{ ' a  b c '.split() }}{{ 'a b c d'.split(' ', 1) }}{{ 'a b c d'.rsplit(' ', 1) }}{{ ' a b  c '.rsplit(none, 1) }}{{ ' a b  c '.split(none, 1) }}{{ ''.split() }}{{ ''.split(',') }}", "['a', 'b', '', 'c']['a', 'b', 'c']['a', 'b c d']['a b c', 'd'][' a b', 'c']['a', 'b  c '][]['']"},
    {"{{ 'abc'.startswith('a') }}{{ 'abc'.endswith(('x','c')) }}{{ 'xxabcxx'.strip('x') }}{{ 'xxabcxx'.lstrip('x') }}{{ 'xxabcxx'.rstrip('x') }}", "TrueTrueabcabcxxxxabc"},
    {"{{ 'hello'.replace('l','L') }}{{ 'hello'.replace('l','L',1) }}{{ 'abc'.replace('','-') }}{{ 'abc'.replace('','-',2) }}{{ 'hello'.find('l') }}{{ 'hello'.find('z') }}{{ 'hello'.rfind('l') }}{{ 'hello'.count('l') }}{{ 'a\303\261b'.find('b') }}", "heLLoheLlo-a-b-c--a-bc2-1322"},
    {"{{ '{} {} {x}'.format(1,2,x=3) }}{{ '{{}}{0}'.format('a') }}", "1 2 3{}a"},
    {"{{ '12'.isdigit() }}{{ 'a'.isdigit() }}{{ 'aB'.upper() }}{{ 'aB'.lower() }}", "TrueFalseABab"},
    {"{{ d.get('a') }}{{ d.get('zz') }}{{ d.get('zz', 5) }}{{ d.keys() }}{{ d.values() }}{{ d.items() }}{{ d.keys()|list }}", "xNone5dict_keys(['b', 'a', 'C'])dict_values([1, 'x', None])dict_items([('b', 1), ('a', 'x'), ('C', None)])['b', 'a', 'C']"},
    {"{{ 'abcdef'[1:3] }}{{ 'abcdef'[::-1] }}{{ 'abcdef'[-2:] }}{{ 'abcdef'[::2] }}{{ 'abcdef'[4:1:-2] }}{{ l[1:] }}{{ l[::-1] }}{{ l[:-1] }}{{ l[5:] }}{{ l[-10:2] }}{{ l[10::-1] }}{{ l[:-10:-1] }}", "bcfedcbaefaceec[1, 2][2, 1, 3][3, 1][][3, 1][2, 1, 3][2, 1, 3]"},
    {"{{ l[0] }}{{ l[-1] }}{{ l[9] }}|{{ 'a\303\261'[1] }}{{ messages[0]['role'] }}{{ messages[0].role }}{{ messages.0.role }}", "32|\303\261useruseruser"},
    {"{{ l['x'] }}|{{ l.x }}", "|"},
    {"{{ '%s is %d and %.2f %5s|%-5s|%05d %x %%' % ('a', 3, 2.5, 'b', 'c', 42, 255) }}{{ '%s' % 'x' }}{{ '%s' % [1] }}{{ '%(a)s' % {'a': 1} }}", "a is 3 and 2.50     b|c    |00042 ff %x[1]1"},
    {"{{ 'x%sy'|format('a') }}", "xay"},
    {"{{ n is odd }}{{ n is even }}{{ n is divisibleby(7) }}{{ n is divisibleby 7 }}{{ s is string }}{{ n is number }}{{ n is integer }}{{ f is float }}{{ t is boolean }}{{ t is true }}{{ t is false }}{{ z is none }}{{ d is mapping }}{{ l is sequence }}{{ l is iterable }}{{ n is iterable }}{{ 'ab' is lower }}{{ 'AB' is upper }}{{ n is sameas n }}{{ 'a' is in ['a'] }}{{ n is eq 7 }}{{ n is gt 3 }}", "TrueFalseTrueTrueTrueTrueTrueTrueTrueTrueFalseTrueTrueTrueTrueFalseTrueTrueTrueTrueTrueTrue"},
    {"{{ undefinedvar is defined }}{{ undefinedvar is undefined }}{{ undefinedvar is iterable }}{{ undefinedvar is sequence }}{{ undefinedvar is none }}{{ undefinedvar is string }}{{ undefinedvar is mapping }}{{ undefinedvar is number }}{{ s is sequence }}{{ d is sequence }}{{ d is iterable }}{{ s is mapping }}{{ t is integer }}{{ t is number }}", "FalseTrueTrueTrueFalseFalseFalseFalseTrueTrueTrueFalseFalseTrue"},
    {"{{ n is not odd }}{{ s is not none and n is defined }}{{ z is not defined }}", "FalseTrueFalse"},
    {"{{ undefinedvar|default('x') }}{{ z|default('x') }}{{ z|default('x', true) }}{{ ''|d('y', boolean=true) }}{{ undefinedvar|default }}", "xNonexy"},
    {"{{ undefinedvar|length }}{{ undefinedvar|upper }}{{ undefinedvar|list }}{{ undefinedvar|join }}{{ undefinedvar|string }}{{ undefinedvar|trim }}{% for x in undefinedvar %}{% endfor %}", "0[]"},
    {"{{ '42'|int }}{{ '4.7'|int }}{{ 'x'|int }}{{ 'x'|int(5) }}{{ '0x1f'|int(base=16) }}{{ 4.9|int }}{{ '1.5'|float }}{{ 'x'|float }}{{ '1e3'|int }}{{ ' 7 '|int }}{{ none|int }}{{ '1_000'|int }}", "424053141.50.01000701000"},
    {"{{ 2.5|round }}{{ 3.5|round }}{{ 2.567|round(2) }}{{ 2.1|round(0,'ceil') }}{{ 2.567|round(1,'floor') }}{{ 5|round }}{{ -3|abs }}{{ -2.5|abs }}{{ (-2.5)|abs }}", "2.04.02.573.02.5532.52.5"},
    {"{{ 'a\\nb\\n\\nc'|indent }}|{{ 'a\\nb'|indent(2, true) }}|{{ 'a\\n\\nb'|indent(2, blank=true) }}|{{ 'a\\nb'|indent('>> ') }}|{{ 'a\\n'|indent }}", "a\n    b\n\n    c|  a\n  b|a\n  \n  b|a\n>> b|a\n"},
    {"{{ '<a href=\"x\">&\\''|escape }}", "&lt;a href=&#34;x&#34;&gt;&amp;&#39;"},
    {"{{ '<a>'|e|length }}", "9"},
    {"{{ 'a-b'|replace('-', '+') }}{{ 'aaa'|replace('a','b',2) }}{{ 5|string + 'x' }}{{ 'a'|safe }}", "a+bbba5xa"},
    {"{{ range(5)|list }}{{ range(2,8,3)|list }}{{ range(5,0,-2)|list }}{{ range(3) }}{{ range(1,9,2) }}{{ range(5)[2] }}{{ range(0)|list }}{{ range(3)|length }}", "[0, 1, 2, 3, 4][2, 5][5, 3, 1]range(0, 3)range(1, 9, 2)2[]3"},
    {"{{ dict(a=1,b=2) }}{{ dict({'x':1}, y=2) }}{{ {'a':1,'a':2} }}{{ {1:'x', 'b':[1,(2,)]} }}{{ () }}{{ (1,) }}{{ (1,2) }}{{ 1, 2 }}", "{'a': 1, 'b': 2}{'x': 1, 'y': 2}{'a': 2}{1: 'x', 'b': [1, (2,)]}()(1,)(1, 2)(1, 2)"},
    {"{{ 1e3 }} {{ 1.5e-7 }} {{ 123456789012345680.0 }} {{ 1e16 }} {{ 1e15 }} {{ 0.1 + 0.2 }} {{ 100.0 }} {{ 1.0e-5 }} {{ 0.0001 }} {{ 3.14 }}", "1000.0 1.5e-07 1.2345678901234568e+17 1e+16 1000000000000000.0 0.30000000000000004 100.0 1e-05 0.0001 3.14"},
    {"{{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }} {{ \"a\" \"b\" 'c' }} {{ 'it''s' }}", "31 5 15 1000 abc its"},
    {"{{ '\\n\\t\\\\\\'\\\"\\x41\\u00e9\\q' }}", "\n\t\\'\"A\303\251\\q"},
    {"{% if l.append is defined %}x{% else %}y{% endif %}", "y"},
    {"{{ namespace(a=1).a }}{{ namespace({'b':2}).b }}", "12"},
    {"{%- for x in l -%} {{ x }} {%- endfor -%} end", "312end"},
    {" x", " x"},
    {" y", " y"},
    {" x", " x"},
    {"{%+ if t %}a{% endif +%}", "a"},
    {"b", "b"},
    {"{# comment #}", ""},
    {"x {#- strip -#} y {# a {{ b }} {% if %} #}", "xy "},
    {"{% raw %}{{ x }} {% if %}{% endraw %}", "{{ x }} {% if %}"},
    {"{% raw -%}  {{ x }}  {%- endraw %} z", "{{ x }} z"},
    {"   {%- raw %} {{ a }} {% endraw -%}   z", " {{ a }} z"},
    {"{{- 1 -}} {{ 2 }}", "12"},
    {"  {{- 1 }}  {{ 2 -}}  3", "1  23"},
    {"\t{% set x = 1 %}", ""},
    {"y", "y"},
    {"  {{ x }}", "  "},
    {"{{ {'a': {'b': 1}}.a.b }}{{ {'a':1}['a'] }}{{ [1,2][0] }}{{ 'abc'.upper().lower() }}{{ 'a' 'b'|upper }}", "111abcAB"},
    {"{{ 'a'|upper ~ 'b'|upper }}{{ -1|abs }}{{ 1 + 1|string|int }}", "AB12"},
    {"{{ not true or true }}{{ true and false or true }}{{ 1 and 'x' }}{{ 0 or 'y' }}{{ '' and 1 }}|", "TrueTruexy|"},
    {"{% generation %}abc{% endgeneration %}x{% for m in messages %}{% generation %}\303\251{{ m.content }}{% endgeneration %}|{% endfor %}", "abcx\303\251Hi there|\303\251 Hello! |\303\251|"},
    {"{% for x in l %}{% generation %}{% set q1 = 5 %}{{ q1 }}{% endgeneration %}{{ q1 }}{% endfor %}", "555"},
    {"{{ messages|length > 2 }}{{ messages|length - 1 }}{{ (messages|length - 1)|string }}", "True22"},
    {"{{ messages[-1].role }}{{ messages[:1][0].role }}{{ (messages|last).role }}{{ messages|map(attribute='role')|unique|join }}", "toolusertooluserassistanttool"},
    {"{{ l|join(', ') }}{{ l|join }}{{ strs|join('-')|upper }}{{ d|join(',') }}{{ 'abc'|join('.') }}{{ big|join(',', attribute='n') }}", "3, 1, 2312B-A-C-Ab,a,Ca.b.cx,y,z"},
    {"{{ l|map('string')|list }}{{ l|map('tojson')|join }}{{ [1,[2,3]]|map('string')|list }}", "['3', '1', '2']312['1', '[2, 3]']"},
    {"{% set it = l|select %}{% for x in it %}{{ x }}{% endfor %}{% for x in it %}{{ x }}{% endfor %}{% if it %}T{% endif %}{% if [] %}F{% endif %}", "312T"},
    {"{{ s.strip()|length }}{{ s|trim|length }}{{ '  x '|trim('x ') }}{{ 'xax'|trim(chars='x') }}", "1111a"},
    {"{{ n.foo }}|{{ n.foo is defined }}|{{ z.foo is defined }}|{{ s.foo is defined }}", "|False|False|False"},
    {"{{ 5 % 3 }}{{ 5.5 % 2 }}{{ 1 == '1' }}{{ [1] == [1.0] }}{{ {'a':1} == {'a':1.0} }}{{ (1,) == [1] }}{{ 'a' != 'b' }}", "21.5FalseTrueTrueFalseTrue"},
    {"{{ 'ABC'|lower|capitalize }}{{ 'stra\303\237e'|upper }}{{ '\303\200\303\211'|lower }}{{ '\316\221\316\243'.lower() }}{{ '\307\206'.title() }}{{ '\303\251a'|capitalize }}{{ '\303\251a b'.title() }}", "AbcSTRASSE\303\240\303\251\316\261\317\202\307\205\303\211a\303\211a B"},
    {"{{ \"\\x00\"|length }}{{ \"\\u200b\" ~ [ \"\\u200b\", \"\\u00a0\", \"\\x7f\", \"\\x01\", \"\360\237\230\200\" ] }}", "1\342\200\213['\\u200b', '\\xa0', '\\x7f', '\\x01', '\360\237\230\200']"},
    {"b' }}", "b' }}"},
    {"{{ loop }}", ""},
    {"{{ messages[0].items() }}{{ messages[0].keys()|list|length }}{{ d.items()|list }}{{ d.items()|length }}{{ d.items()[0] }}", "dict_items([('role', 'user'), ('content', 'Hi there')])2[('b', 1), ('a', 'x'), ('C', None)]3"},
    {"{{ d | length }}{{ d|first }}{{ d|list }}{{ d|string }}{{ d is mapping and 'a' in d.keys() }}", "3b['b', 'a', 'C']{'b': 1, 'a': 'x', 'C': None}True"},
    {"{% set x = {'a': 1} %}{{ x.a }}{% set y = x.copy() %}{{ y }}", "1{'a': 1}"},
    {"{% if not loop is defined %}no loop{% endif %}{% for i in range(2) %}{% for j in range(2) %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", "no loop121122"},
    {"{% for i in range(2) %}{% macro mm() %}{{ i }}{% endmacro %}{{ mm() }}{% endfor %}{{ mm is defined }}", "01False"},
    {"{% if true %}{% set inner = 1 %}{% endif %}{{ inner }}", "1"},
    {"{% set x = 1 %}{% set x = x + 1 %}{{ x }}{% set f2 %}{% set x = 9 %}{{ x }}{% endset %}{{ x }}{{ f2 }}", "229"},
    {"{{ l|sort(attribute='x') }}", "[3, 1, 2]"},
    {"{{ big|sort(attribute='n', reverse=True)|map(attribute='n')|join }}", "zyx"},
    {"{{ {'b':2,'a':10}|dictsort(by='value') }}{{ {'b':2,'a':10}|dictsort(reverse=true) }}{{ {'b':1,'A':1}|dictsort(true) }}", "[('b', 2), ('a', 10)][('b', 2), ('a', 10)][('A', 1), ('b', 1)]"},
    {"{{ 'a b'.split()[0] }}{{ 'x</think>y'.split('</think>')[-1].lstrip('\\n') }}", "ay"},
    {"{{ 'abc'.partition('b') }}{{ 'abcb'.rpartition('b') }}{{ 'abc'.partition('z') }}{{ 'a\\nb\\r\\nc'.splitlines() }}{{ 'ab'.center(5,'*') }}{{ 'ab'.ljust(4)|length }}{{ 'ab'.rjust(4) }}{{ 'abc'.removeprefix('a') }}{{ 'abc'.removesuffix('bc') }}", "('a', 'b', 'c')('abc', 'b', '')('abc', '', '')['a', 'b', 'c']**ab*4  abbca"},
    {"{{ (messages|first)['content'][:2] }}{{ messages[0]['content'][0]|upper + messages[0]['content'][1:] }}", "HiHi there"},
    {"{{ 1 if 2 else 3 if 4 else 5 }}{{ (1,2)[0] }}{{ [[1,2],[3]][0][1] }}{{ {'k': [1,2]}['k'][-1] }}", "1122"},
    {"{{ \"a\" \"b\" }}{{ 'a' , 'b' }}", "ab('a', 'b')"},
    {"{{ [1,2,3,] }}{{ {'a':1,} }}{{ (1,2,) }}{{ [] }}{{ {} }}", "[1, 2, 3]{'a': 1}(1, 2)[]{}"},
    {"{{ none }}{{ None }}{{ True }}{{ False }}{{ true }}", "NoneNoneTrueFalseTrue"},
    {"{{ [1, 'a', None, 2.0, {'k': (1, 'b')}] }}", "[1, 'a', None, 2.0, {'k': (1, 'b')}]"},
    {"{% set x = [] %}{% for i in range(3) %}{% set x = x + [i] %}{% endfor %}{{ x }}", "[]"},
    {"{% set ns = namespace(x=[]) %}{% for i in range(3) %}{% set ns.x = ns.x + [i] %}{% endfor %}{{ ns.x }}", "[0, 1, 2]"},
    {"{{ messages | selectattr(\"role\", \"==\", \"user\") | list | length }}{{ messages|rejectattr(\"role\",\"equalto\",\"user\")|map(attribute=\"content\")|list }}", "1[' Hello! ', '']"},
    {"{% for message in messages %}{% if loop.index0 % 2 == 0 %}e{% else %}o{% endif %}{% endfor %}", "eoe"},
    {"{% if messages[0]['role'] == 'user' != true %}a{% endif %}{{ (messages[0]['role'] == 'user') != (0 % 2 == 0) }}", "aFalse"},
    {"{% for x in l %}\n  {{ x }}\n  {% endfor %}\nend\n", "  3\n  1\n  2\nend"},
    {"  {% if t %}  \n x\n  {% endif %}  \n y", "  \n x\n  \n y"},
    {"a {% if t -%}  \n x\n  {%- endif %} z", "a x z"},
    {"{%+ if t %}a{% endif +%}\nb", "a\nb"},
    {"  {%+ if t %}a{% endif %}\nb\n\n", "  ab\n"},
    {"\t{% set x = 1 %}\ny", "y"},
    {"  {# c #}\nx\n", "x"},
    {"x\r\n{% if t %}\r\ny\r{% endif %}z\r\n", "x\ny\nz"},
    {"{{ 'a\nb' }}\n", "a\nb"},
    {"{% raw %}\n a {% endraw %}\nb", "\n a b"},
    {"{{ 1 }}\n{{ 2 }}\n\n", "1\n2\n"},
    {"   {{ 1 }}\n", "   1"},
    {"{#- a -#}\n x", "x"},
    {"a\n  {%- if t %}\n  b\n  {%- endif %}\nc", "a  bc"},
    {"a  {#- x #}\n b", "a b"},
    {"{%- macro m() %}\n  x\n{%- endmacro %}\n{{ m() }}", "  x"},
    {"{% for m in messages %}\n    {%- if loop.first %}\n        {{- 'first' }}\n    {%- endif %}\n{%- endfor %}", "first"},
    {"{% raw %}  \n x {%- endraw -%} \n y", "  \n xy"},
    {"a\n{% set x %}\n b \n{% endset %}\n[{{x}}]", "a\n[ b \n]"},
    {"  {%- raw -%} \n {{ }} \n  {% endraw %}\nz", "{{ }} \nz"},
    {"{{ 'a\\\nb' }}", "ab"},
    {" \n {% if t %}x{% endif %}", " \nx"},
    {"x {% if t %}\n\n y{% endif %}", "x \n y"},
    {"\n\n{% if t %}\na\n{% endif %}\n\n\n", "\n\na\n\n"},
    {"\303\251 {%- if t -%}\302\240\342\200\203x{%- endif -%}\302\240y", "\303\251xy"}
};
// clang-format on

static JinjaValue variables(void)
{
    const Json *json = NULL;
    JinjaValue  v = jinja_none();

    if (arena.base == NULL)
        EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 30));
    EXPECT_OK(
        json_parse(&arena, "variables", VARIABLES, sizeof VARIABLES - 1, JSON_NO_COMMENTS, &json));
    EXPECT_OK(jinja_from_json(&arena, json, &v));
    return v;
}

static Err render(const char *text, const JinjaValue *v, JinjaOutput *out)
{
    Jinja *t;

    TRY(jinja_compile(&arena, "t", text, (int64_t)strlen(text), &t));
    return jinja_render(t, &arena, v, out);
}

static void texts_are_those_of_jinja(const Comm *c)
{
    (void)c;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        JinjaValue  v = variables();
        JinjaOutput out = {0};
        ArenaMark   mark = arena_mark(&arena);

        EXPECT_OK(render(ROWS[i].text, &v, &out));
        EXPECT_TEXT(out.text, ROWS[i].want);
        arena_back(&arena, mark);
    }
    check_compared((int64_t)(sizeof ROWS / sizeof ROWS[0]));
}

static void errors_say_where_and_what(const Comm *c)
{
    static const Row rows[] = {
        {"a\n{{ x", "t:2:5: expected }} or an operator after an expression, found the end"},
        {"{% if x %}a",
         "t:1:12: expected {% endif %} for the block that begins at line 1, column 1, found"},
        {"{% for x y %}", "t:1:10: expected \"in\" after the names of {% for, found 'y'"},
        {"{{ 'abc }}", "t:1:4: expected ' at the end of this text"},
        {"{{ (1 }}", "t:1:7: expected ')', found '}'"},
        {"{{ (1] }}", "t:1:6: expected ')', found ']'"},
        {"{{ 1 + }}", "t:1:8: expected a value, found }}"},
        {"{{ a ? b }}", "t:1:6: expected a name, a value or a sign, found '?'"},
        {"{{ 012 }}", "t:1:4: expected a number without zeros in front"},
        {"{{ 99999999999999999999 }}", "t:1:4: expected a whole number below 2^63"},
        {"{{ '\\xZZ' }}", "t:1:5: expected 2 hexadecimal digits"},
        {"{# open", "t:1:1: expected #} at the end of this comment"},
        {"{% raw %}", "t:1:1: expected {% endraw %} after {% raw %}"},
        {"{% include 'x' %}", "t:1:4: the statement {% include %} is not supported"},
        {"{% extends 'x' %}", "{% extends %} is not supported"},
        {"{% import 'x' as y %}", "{% import %} is not supported"},
        {"{% from 'x' import y %}", "{% from %} is not supported"},
        {"{% call x() %}", "{% call %} is not supported"},
        {"{% filter upper %}", "{% filter %} is not supported"},
        {"{% block x %}", "{% block %} is not supported"},
        {"{% for x in y recursive %}", "t:1:15: recursive loops are not supported"},
        {"{% endif %}", "t:1:4: 'endif' ends nothing that stands open here"},
        {"{% frob %}", "t:1:4: there is no statement 'frob'"},
        {"{% break %}", "t:1:4: {% break %} stands outside of a loop"},
        {"{% set true = 1 %}", "t:1:8: expected a name that can be set, found 'true'"},
        {"{% set x 1 %}", "t:1:10: expected '=', a filter or %} after the name of {% set"},
        {"{{ x|lenght }}", "t:1:6: there is no filter \"lenght\" here; did you mean length?"},
        {"{{ x is mappping }}", "t:1:9: there is no test \"mappping\" here; did you mean mapping?"},
        {"{% macro m(a=1, b) %}{% endmacro %}", "t:1:17: expected a default after"},
        {"{% macro m() %}{% generation %}", "{% generation %} stands in a macro or a block set"},
        {"{{ x.y }}\n{{ x.y.z }}", "t:1:6: 'x' is undefined"},
        {"\n {{ d.q.z }}", "t:2:9: 'dict object' has no attribute 'q'"},
        {"{{ l[7].z }}", "there is no element 7"},
        {"{{ 1 + 'a' }}", "t:1:6: int + str cannot be computed; ~ joins"},
        {"{{ x + 1 }}", "'x' is undefined"},
        {"{{ 1 / 0 }}", "t:1:6: division by zero"},
        {"{{ 9223372036854775807 + 1 }}", "leaves the 64 bits"},
        {"{{ 2 ** 64 }}", "leaves the 64 bits"},
        {"{{ 1 < 'a' }}", "t:1:6: int and str have no order"},
        {"{{ l.append(1) }}", "t:1:6: 'append' would change a value; templates cannot"},
        {"{{ d.update({}) }}", "'update' would change a value"},
        {"{% set d.x = 1 %}", "only members of a namespace can be set, not those of a dict"},
        {"{{ raise_exception('no ' ~ n) }}", "t:1:4: the template refuses: no 7"},
        {"{{ strftime_now('%Y') }}", "the template asks for the time, which was not given"},
        {"{{ nothing() }}", "'nothing' is undefined"},
        {"{{ n() }}", "a int cannot be called"},
        {"{{ n|map('upper') }}{{ l|map('upper')|length }}", "cannot be walked through"},
        {"{{ l|map('string')|length }}", "a generator has no length; the filter list gives it one"},
        {"{{ l|map('nope')|list }}", "there is no filter \"nope\" here"},
        {"{{ 'x'.split('') }}", "a text is split at an empty text"},
        {"{{ 'x'.split(1, 2, 3) }}", "takes 2 arguments at most"},
        {"{{ 'x'|replace('a') }}", "the filter replace needs an argument new"},
        {"{{ 'x'|trim(q=1) }}", "the filter trim has no parameter q"},
        {"{{ x|tojson }}", "'x' is undefined"},
        {"{% for a, b in [1] %}{% endfor %}", "a int cannot be walked through"},
        {"{% for a, b in [[1]] %}{% endfor %}", "2 names for 1 values"},
        {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "takes 1 arguments at most"},
        {"{% generation %}{% generation %}{% endgeneration %}{% endgeneration %}",
         "stands inside of another one"},
        {"{{ range(1000000) }}", "range has more than 100000 members"},
        {"{{ range(1, 2, 0) }}", "the step of range is 0"},
        {"{{ \"\xff\" }}", "t:1:5: expected UTF-8, found the byte 0xff"},
    };

    (void)c;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        JinjaValue  v = variables();
        JinjaOutput out;
        ArenaMark   mark = arena_mark(&arena);

        EXPECT_ERR(render(rows[i].text, &v, &out), ERR_DATA, rows[i].want);
        arena_back(&arena, mark);
    }
}

static void generation_blocks_become_spans(const Comm *c)
{
    JinjaValue  v = variables();
    JinjaOutput out;

    (void)c;
    EXPECT_OK(
        render("\u00e9{% for m in messages %}<{% generation %}{{ m.role }}{% endgeneration %}>"
               "{% endfor %}",
               &v, &out));
    EXPECT_TEXT(out.text, "\u00e9<user><assistant><tool>");
    EXPECT_INT(out.spans, 3);
    EXPECT_INT(out.span[1].begin, 9);
    EXPECT_INT(out.span[1].end, 18);
}

static void time_is_what_the_caller_says(const Comm *c)
{
    JinjaValue  v = variables();
    JinjaOutput out;

    (void)c;
    jinja_put(&arena, &v, "strftime_now", jinja_time(1721952000));
    EXPECT_OK(render("{{ strftime_now('%d %b %Y, %-d.%m. %H:%M:%S %A') }}", &v, &out));
    EXPECT_TEXT(out.text, "26 Jul 2024, 26.07. 00:00:00 Friday");
    EXPECT_ERR(render("{{ strftime_now('%Q') }}", &v, &out), ERR_DATA, "there is no %Q for times");
}

static void numbers_of_json_stay_what_they_are(const Comm *c)
{
    const Json *json = NULL;
    JinjaValue  v;
    JinjaOutput out;
    const char  text[] = "{\"a\": 1, \"b\": 1.0, \"c\": 1e3, \"d\": 9007199254740993}";

    (void)c;
    variables();
    EXPECT_OK(json_parse(&arena, "numbers", text, sizeof text - 1, JSON_NO_COMMENTS, &json));
    EXPECT_ERR(jinja_from_json(&arena, json, &v), OK, NULL);
    EXPECT_OK(render("{{ a }} {{ b }} {{ c }} {{ d|tojson }}", &v, &out));
    EXPECT_TEXT(out.text, "1 1.0 1000.0 9007199254740992");
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Growth without end, quadratic and exponential work, deep nesting: each ends in an error, soon.
static void hostile_templates_end_at_once(const Comm *c)
{
    static const char *const rows[] = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{% for b in range(1000) %}xxxxxxxxxxxxxxxx{% endfor %}{% "
        "endfor %}",
        "{% set ns = namespace(s='x') %}{% for a in range(1000) %}{% set ns.s = ns.s ~ ns.s %}{% "
        "endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for a in range(1000) %}{% set ns.s = ns.s + ns.s %}{% "
        "endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for a in range(1000) %}{% set ns.s = [ns.s, ns.s] %}{% "
        "endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for a in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% "
        "endfor %}{{ ns.s|tojson }}",
        "{% set ns = namespace(s=[1], t=[1]) %}{% for a in range(60) %}{% set ns.s = [ns.s, ns.s] "
        "%}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
        "{% set ns = namespace() %}{% set ns.s = ns %}{{ ns }}",
        "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
        "{% macro f(n) %}{{ f(n - 1) ~ f(n - 1) if n > 0 }}{% endmacro %}{{ f(40) }}",
        "{% macro f(n, x=f(n)) %}{% endmacro %}{{ f(1) }}",
        "{{ 'x' * 1000000000 }}",
        "{{ '' * 9223372036854775807 }}{{ 'x' * 9223372036854775807 }}",
        "{{ [1] * 1000000000 }}",
        "{{ [[]] * 1048577 }}",
        "{{ 'x'.center(9223372036854775807) }}",
        "{{ '%99999999d' % 1 }}",
        "{{ 'a'|indent(999999999) }}",
        "{{ ('a' * 1000000).replace('', 'xxxxxxxxxxxxxxxxxxxxxxx') }}",
        "{{ (('ab' * 1000000).split('b') | join('x' * 1000)) }}",
        "{% set x = ('ab' * 2000000) %}{% for i in range(10000) %}{% if x.split('b') %}{% endif "
        "%}{% "
        "endfor %}",
        "{% set x = ('ab' * 2000000) %}{% for i in range(10000) %}{% if 'c' in x %}{% endif %}{% "
        "endfor %}",
        "{% set x = ('ab' * 2000000) %}{% for i in range(10000) %}{% if x[3000000] %}{% endif %}{% "
        "endfor %}",
        "{% set x = ('ab' * 2000000) %}{% for i in range(10000) %}{% if x|upper %}{% endif %}{% "
        "endfor %}",
        "{% set x = range(100000)|list %}{% for i in range(100000) %}{% if -1 in x %}{% endif %}{% "
        "endfor %}",
        "{% set x = range(100000)|list %}{{ x|unique|list|length }}",
        "{% set x = range(100000)|list %}{% for i in range(100000) %}{% set y = x|sort %}{% endfor "
        "%}",
        "{{ 1e308 * 10 ** 18 ** 18 }}",
        "{{ 10 ** 9223372036854775807 }}",
    };

    (void)c;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        JinjaValue  v = variables();
        JinjaOutput out;
        ArenaMark   mark = arena_mark(&arena);
        double      begin = seconds();

        EXPECT_ERR(render(rows[i], &v, &out), ERR_DATA, "t:1:");
        EXPECT_NEAR((seconds() - begin) / 5, 0, 1); // milliseconds; the slack is for full machines
        arena_back(&arena, mark);
    }
}

// A text of `count` pieces between a beginning and an end.
static const char *repeated(const char *begin, const char *piece, int count, const char *end)
{
    Text t = text_make(&arena);

    text_puts(&t, begin);
    for (int i = 0; i < count; i++)
        text_puts(&t, piece);
    text_puts(&t, end);
    return t.data;
}

static void nesting_is_bounded(const Comm *c)
{
    static const struct {
        const char *begin, *piece, *end;
        int         count;
    } rows[] = {{"{{ ", "(", "1", 200000},       {"{{ ", "[", "1", 200000},
                {"{{ ", "{1:", "1", 200000},     {"{{ ", "-", "1 }}", 200000},
                {"{{ ", "not ", "1 }}", 200000}, {"{{ 1", " if 1 else 1", " }}", 60000},
                {"", "{% if 1 %}", "", 60000},   {"", "{% for x in y %}", "", 50000},
                {"{{ 1", "+1", " }}", 200000},   {"{{ 1", "|abs", " }}", 200000},
                {"{{ x", ".y", " }}", 200000},   {"{{ x", "()", " }}", 200000},
                {"{% set ", "(", "x", 200000}};
    JinjaValue  v = variables();
    JinjaOutput out;

    (void)c;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ArenaMark mark = arena_mark(&arena);

        EXPECT_ERR(
            render(repeated(rows[i].begin, rows[i].piece, rows[i].count, rows[i].end), &v, &out),
            ERR_DATA, "t:1:");
        arena_back(&arena, mark);
    }
    EXPECT_ERR(render(repeated("", "x", JINJA_TEMPLATE_BYTES_MAX + 1, ""), &v, &out), ERR_DATA,
               "expected a template of at most");
    EXPECT_OK(render(repeated("{{ 'a'", " ~ 'b'", 300, " }}"), &v, &out));
    EXPECT_INT(out.length, 301);
}

static void small_arenas_are_told_not_overrun(const Comm *c)
{
    static const char text[] = "{% for a in range(9999) %}{{ a }}, {% endfor %}";
    JinjaValue        v = variables();
    Jinja            *t;

    (void)c;
    EXPECT_OK(jinja_compile(&arena, "t", text, sizeof text - 1, &t));
    for (int64_t bytes = 1000; bytes < 3000000; bytes = bytes * 3 / 2) {
        Arena       small;
        JinjaOutput out = {0};
        Err         e;

        EXPECT_OK(arena_make(&small, "small", bytes));
        e = jinja_render(t, &small, &v, &out);
        EXPECT(e == OK ? out.length == 58884 : strstr(err_record()->text, "small arena") != NULL);
        err_forget();
        arena_free(&small);
    }
}

TEST_MAIN(CASE(texts_are_those_of_jinja), CASE(errors_say_where_and_what),
          CASE(generation_blocks_become_spans), CASE(time_is_what_the_caller_says),
          CASE(numbers_of_json_stay_what_they_are), CASE(hostile_templates_end_at_once),
          CASE(nesting_is_bounded), CASE(small_arenas_are_told_not_overrun))
