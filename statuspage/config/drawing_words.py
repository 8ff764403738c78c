"""The words of drawings: which elements, attributes and properties are seen and do nothing else (SVG 1.1 and 2)."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _words("""
    svg g defs symbol use switch style path rect circle ellipse line polyline polygon text tspan textPath image
    linearGradient radialGradient stop pattern clipPath mask marker
    filter feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight
    feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight
    feSpecularLighting feSpotLight feTile feTurbulence
""")

WORDED = frozenset({"text", "tspan", "textPath"})
"""The elements whose text is seen."""

UNSEEN = frozenset({"metadata", "title", "desc", "view"})
"""Elements that are left out with all that is in them."""

LEFT_OUT = _words("version baseProfile contentScriptType contentStyleType zoomAndPan focusable tabindex role lang media title")
"""Attributes that are left out."""

GEOMETRY = _words("""
    id class x y x1 x2 y1 y2 cx cy r rx ry fx fy fr dx dy rotate width height d points pathLength viewBox preserveAspectRatio
    requiredExtensions requiredFeatures systemLanguage offset gradientUnits gradientTransform spreadMethod
    patternUnits patternContentUnits patternTransform clipPathUnits maskUnits maskContentUnits filterUnits primitiveUnits filterRes
    markerUnits markerWidth markerHeight orient refX refY textLength lengthAdjust startOffset method spacing side
    in in2 result mode type values tableValues slope intercept amplitude exponent k1 k2 k3 k4 operator radius stdDeviation order
    kernelMatrix divisor bias targetX targetY edgeMode preserveAlpha surfaceScale specularConstant specularExponent diffuseConstant
    kernelUnitLength azimuth elevation pointsAtX pointsAtY pointsAtZ limitingConeAngle z scale xChannelSelector yChannelSelector
    baseFrequency numOctaves seed stitchTiles
""")

PROPERTIES = _words("""
    alignment-baseline baseline-shift clip clip-path clip-rule color color-interpolation color-interpolation-filters color-rendering
    direction display dominant-baseline enable-background fill fill-opacity fill-rule filter flood-color flood-opacity
    font font-family font-feature-settings font-kerning font-optical-sizing font-palette font-size font-size-adjust font-stretch
    font-style font-synthesis font-variant font-variant-alternates font-variant-caps font-variant-east-asian font-variant-ligatures
    font-variant-numeric font-variant-position font-variation-settings font-weight
    glyph-orientation-horizontal glyph-orientation-vertical image-rendering inline-size isolation kerning letter-spacing lighting-color
    line-height marker marker-end marker-mid marker-start mask mask-type mix-blend-mode opacity overflow paint-order pointer-events
    shape-inside shape-margin shape-padding shape-rendering shape-subtract solid-color solid-opacity stop-color stop-opacity
    stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width
    text-align text-align-last text-anchor text-decoration text-decoration-color text-decoration-line text-decoration-style
    text-decoration-fill text-decoration-stroke text-decoration-thickness text-indent text-orientation text-overflow text-rendering
    text-transform transform transform-box transform-origin unicode-bidi vector-effect visibility white-space word-spacing writing-mode
    x y cx cy r rx ry width height
""")
"""Properties of styles. Most are attributes, too."""

FUNCTIONS = _words("""
    rgb rgba hsl hsla matrix translate translatex translatey scale scalex scaley rotate skewx skewy
    rect inset circle ellipse polygon blur brightness contrast grayscale hue-rotate invert opacity saturate sepia
""")
"""Functions in values of styles: none of them fetches anything."""
