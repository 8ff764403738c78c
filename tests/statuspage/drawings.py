"""Logos as drawing programs export them, and drawings by people who mean harm."""

from collections.abc import Mapping

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8">'

INKSCAPE = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Created with Inkscape (http://www.inkscape.org/) -->
<svg width="40mm" height="20mm" viewBox="0 0 40 20" version="1.1" id="svg5" inkscape:version="1.2.2 (b0a8486541, 2022-12-01)"
   sodipodi:docname="sign.svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"
   xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" xmlns:xlink="http://www.w3.org/1999/xlink"
   xmlns="http://www.w3.org/2000/svg" xmlns:svg="http://www.w3.org/2000/svg" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
   xmlns:cc="http://creativecommons.org/ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
  <title id="title1">Example</title>
  <sodipodi:namedview id="namedview7" pagecolor="#ffffff" inkscape:pageshadow="2" inkscape:document-units="mm" showgrid="false">
    <inkscape:grid type="xygrid" id="grid1"/>
  </sodipodi:namedview>
  <defs id="defs2">
    <linearGradient inkscape:collect="always" id="linearGradient1">
      <stop style="stop-color:#aa0000;stop-opacity:1" offset="0" id="stop1"/><stop style="stop-color:#aa0000;stop-opacity:0" offset="1"/>
    </linearGradient>
    <linearGradient inkscape:collect="always" xlink:href="#linearGradient1" id="lg2" x1="1" y1="2" x2="3" y2="4"
      gradientUnits="userSpaceOnUse" gradientTransform="matrix(0.26,0,0,0.26,-1.2e-4,3)"/>
    <filter style="color-interpolation-filters:sRGB" id="f1" x="-0.1" width="1.2">
      <feColorMatrix type="saturate" values="0.5" id="m1"/><feGaussianBlur stdDeviation="0.4" id="b1"/>
    </filter>
  </defs>
  <metadata id="metadata5"><rdf:RDF><cc:Work rdf:about=""><dc:format>image/svg+xml</dc:format>
    <dc:type rdf:resource="http://purl.org/dc/dcmitype/StillImage"/></cc:Work></rdf:RDF></metadata>
  <g inkscape:label="Layer 1" inkscape:groupmode="layer" id="layer1" transform="translate(-10.5,-3) rotate(-45)">
    <path d="m 10,10 h 20 v 8 z" id="path1" sodipodi:nodetypes="cccc" inkscape:connector-curvature="0"
      style="color:#000000;fill:url(#lg2);fill-opacity:1;stroke:none;stroke-width:0.264583;-inkscape-stroke:none;enable-background:accumulate;filter:url(#f1)"/>
    <text xml:space="preserve" x="11" y="12" style="font-style:normal;font-size:3.5px;line-height:1.25;font-family:'Open Sans';
      -inkscape-font-specification:'Open Sans, Normal';text-align:start;shape-padding:0;white-space:pre"><tspan
      sodipodi:role="line" x="11" y="12">Example Net</tspan></text>
  </g>
</svg>
"""

ILLUSTRATOR = """<?xml version="1.0" encoding="iso-8859-1"?>
<!-- Generator: Adobe Illustrator 24.0.1, SVG Export Plug-In . SVG Version: 6.00 Build 0)  -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg version="1.1" id="Ebene_1" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" x="0px" y="0px"
   viewBox="0 0 200 80" style="enable-background:new 0 0 200 80;" xml:space="preserve" data-name="Ebene 1" role="img">
<style type="text/css"><![CDATA[
  /* the house's colours */
  .st0{fill:#FFFFFF;stroke:#1D1D1B;stroke-miterlimit:10;}
  .st1,g > .st2{clip-path:url(#SVGID_2_);fill-rule:evenodd;clip-rule:evenodd;font-family:'MyriadPro-Regular', sans-serif;}
]]></style>
<switch><g>
<defs><rect id="SVGID_1_" width="200" height="80"/></defs>
<clipPath id="SVGID_2_"><use xlink:href="#SVGID_1_"  style="overflow:visible;"/></clipPath>
<g class="st2"><polygon class="st0" points="10,10 20,20 0,20 "/><path class="st1" d="M1,1C2,2,3,3,4,4z"/></g>
<image style="overflow:visible;" width="1" height="1" transform="matrix(1 0 0 1 5 5)"
  xlink:href="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ
AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="/>
</g></switch>
</svg>
"""

FIGMA = """<svg width="24" height="24" viewBox="0 0 24 24" fill="none" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">
<g clip-path="url(#clip0_1_2)" style="mix-blend-mode:multiply"><mask id="m0" style="mask-type:luminance" maskUnits="userSpaceOnUse"
x="0" y="0" width="24" height="24"><path d="M0 0H24V24H0V0Z" fill="white"/></mask>
<path fill-rule="evenodd" clip-rule="evenodd" d="M12 0L24 24Z" fill="url('#paint0_linear_1_2')" stroke="rgba(0, 0, 0, 0.2)"/></g>
<defs><radialGradient id="paint0_linear_1_2" cx="0" cy="0" r="1" gradientTransform="translate(12 3) rotate(90) scale(4)">
<stop stop-color="hsl(20 50% 40%)"/></radialGradient><clipPath id="clip0_1_2"><rect width="24" height="24" rx="4"/></clipPath></defs>
</svg>
"""

EXPORTED: Mapping[str, bytes] = {
    "inkscape": INKSCAPE.encode(),
    "illustrator": ILLUSTRATOR.encode("iso-8859-1"),
    "figma": FIGMA.encode(),
    "in UTF-16": FIGMA.encode("utf-16"),
}

_SVG_INSIDE = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD48L3N2Zz4="

HOSTILE: Mapping[str, str] = {
    "a script": "<script>alert(1)</script>",
    "a script by another name": '<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>',
    "a script of a page": '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
    "a script in no namespace": '<g><script xmlns="">alert(1)</script></g>',
    "an event": '<path onload="alert(1)"/>',
    "an event in capitals": '<path ONCLICK="alert(1)"/>',
    "an event of the focus": '<g onfocusin="alert(1)"/>',
    "a page": "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>hello</p></foreignObject>",
    "a frame": '<iframe xmlns="http://www.w3.org/1999/xhtml" src="https://elsewhere.example/"/>',
    "a picture from elsewhere": '<image href="https://elsewhere.example/spy.png"/>',
    "a picture without a scheme": '<image xlink:href="//elsewhere.example/spy.png"/>',
    "a picture beside": '<image href="spy.png"/>',
    "a picture in a filter": '<filter><feImage href="https://elsewhere.example/spy.png"/></filter>',
    "a drawing in a picture": f'<image href="data:image/svg+xml;base64,{_SVG_INSIDE}"/>',
    "a drawing that says it is a PNG": f'<image href="data:image/png;base64,{_SVG_INSIDE}"/>',
    "a picture that is none": '<image href="data:image/png;base64,iVBOR"/>',
    "a link": '<a href="javascript:alert(1)"><path/></a>',
    "a link to a page": '<a href="https://elsewhere.example/"><path/></a>',
    "a part from elsewhere": '<use href="https://elsewhere.example/a.svg#a"/>',
    "a part from a file": '<use xlink:href="a.svg#a"/>',
    "a part from data": f'<use href="data:image/svg+xml;base64,{_SVG_INSIDE}#x"/>',
    "a fill from elsewhere": '<path fill="url(https://elsewhere.example/a)"/>',
    "a fill in capitals": "<path fill=\"URL( 'https://elsewhere.example/a')\"/>",
    "a second fill": '<path fill="url(#a) url(http://elsewhere.example/a)"/>',
    "a fill that closes early": '<path fill="url(#a)url(//elsewhere.example/#a)"/>',
    "a mask from elsewhere": '<path mask="url(//elsewhere.example/a#m)"/>',
    "a filter from elsewhere": '<path filter="url(a.svg#f)"/>',
    "a cursor": '<path cursor="url(https://elsewhere.example/a.cur), auto"/>',
    "a marker from elsewhere": '<path marker-end="url(https://elsewhere.example/m.svg#m)"/>',
    "a style from elsewhere": '<path style="fill: url(https://elsewhere.example/a)"/>',
    "a style in escapes": r'<path style="fill:u\72l(https://elsewhere.example/a)"/>',
    "an attribute in escapes": r'<path fill="u\72 l(https://elsewhere.example/a)"/>',
    "a style around a comment": '<path style="fill:u/**/rl(https://elsewhere.example/a)"/>',
    "a set of pictures": "<path style=\"mask:image-set('https://elsewhere.example/a.png' 1x)\"/>",
    "a crossing of pictures": '<path style="mask:-webkit-cross-fade(url(#a), 50%)"/>',
    "a source": "<path fill=\"src('https://elsewhere.example/a')\"/>",
    "a variable": '<path style="--a:url(https://elsewhere.example/a);fill:var(--a)"/>',
    "a background": "<path style=\"background:url('https://elsewhere.example/a')\"/>",
    "a behaviour": '<path style="behavior:url(#default#time2)"/>',
    "a sheet that imports": "<style>@import 'https://elsewhere.example/a.css';</style>",
    "a sheet that imports in CDATA": "<style><![CDATA[@import 'https://elsewhere.example/a.css';]]></style>",
    "a sheet that imports in escapes": r"<style>@\69mport 'https://elsewhere.example/a.css';</style>",
    "a sheet that imports behind a comment": "<style>/* */@im/**/port 'a.css';</style>",
    "a sheet with a font": "<style>@font-face{font-family:a;src:url(https://elsewhere.example/a.woff)}</style>",
    "a sheet in escapes": r"<style>path{fill:u\72l(https://elsewhere.example/a)}</style>",
    "a sheet from elsewhere": "<style>path{fill:url(https://elsewhere.example/a)}</style>",
    "a sheet that moves": "<style>@keyframes a{to{opacity:0}} path{animation:a 1s}</style>",
    "a rule that moves": "<style>path{animation:a 1s infinite}</style>",
    "a rule that spies": '<style>[id^="a"]{fill:red}</style>',
    "a sheet that does not end": "<style>path{fill:red</style>",
    "a moving link": '<animate attributeName="href" values="javascript:alert(1)"/>',
    "a setting": '<set attributeName="onmouseover" to="alert(1)"/>',
    "a moving shape": '<path><animateTransform attributeName="transform" type="rotate" to="360" dur="1s" repeatCount="indefinite"/></path>',
    "a moving path": '<path><animateMotion dur="1s"><mpath href="#p"/></animateMotion></path>',
    "a sound": '<audio xmlns="http://www.w3.org/1999/xhtml" src="https://elsewhere.example/a.ogg"/>',
    "a handler": '<handler type="application/ecmascript">alert(1)</handler>',
    "an attribute that nobody knows": '<path ping="https://elsewhere.example/"/>',
    "a source in an attribute": '<image src="https://elsewhere.example/spy.png"/>',
}
"""What may stand in a drawing, and does more than to be seen."""

_START = '<svg xmlns="http://www.w3.org/2000/svg"'
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def _nested(times: int) -> str:
    groups = "".join(f'<g id="g{n}">{f"""<use href="#g{n - 1}"/>""" * 10}</g>' for n in range(1, times))
    return f'{_START}><g id="g0"><path d="M0 0"/></g>{groups}</svg>'


HOSTILE_FILES: Mapping[str, bytes] = {
    "many laughs": f'<!DOCTYPE svg [<!ENTITY l0 "ha">{_LAUGHS}]>{_START}><text>&l9;</text></svg>'.encode(),
    "an entity": f'<!DOCTYPE svg [<!ENTITY a "aaaa">]>{_START}><text>&a;</text></svg>'.encode(),
    "an entity in UTF-16": f'<!DOCTYPE svg [<!ENTITY a "aaaa">]>{_START}><text>&a;</text></svg>'.encode("utf-16"),
    "an entity in UTF-16 without a mark": f'<?xml version="1.0" encoding="UTF-16LE"?><!DOCTYPE svg [<!ENTITY a "b">]>{_START}/>'.encode(
        "utf-16-le"
    ),
    "an entity from a file": f'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>{_START}><text>&a;</text></svg>'.encode(),
    "an entity from elsewhere": f'<!DOCTYPE svg SYSTEM "https://elsewhere.example/a.dtd">{_START}><text>&a;</text></svg>'.encode(),
    "an entity of parameters": f'<!DOCTYPE svg [<!ENTITY % a SYSTEM "https://elsewhere.example/a.dtd">%a;]>{_START}/>'.encode(),
    "declared defaults": f'<!DOCTYPE svg [<!ATTLIST path onload CDATA "alert(1)">]>{_START}><path/></svg>'.encode(),
    "a sheet beside it": f'<?xml version="1.0"?><?xml-stylesheet href="https://elsewhere.example/a.css"?>{_START}/>'.encode(),
    "parts of parts of parts": _nested(8).encode(),
    "a part of itself": f'{_START}><g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g></svg>'.encode(),
    "a fill of itself": f'{_START}><pattern id="a"><path fill="url(#a)"/></pattern></svg>'.encode(),
    "very deep": f"{_START}>{'<g>' * 5000}{'</g>' * 5000}</svg>".encode(),
    "a script behind a zero": f"{_START}><script>\x00</script></svg>".encode(),
    "a script in UTF-7": f'<?xml version="1.0" encoding="UTF-7"?>{_START}>+ADw-script+AD4-</svg>'.encode(),
}
"""Whole files that do more than to be seen, or cost more."""
