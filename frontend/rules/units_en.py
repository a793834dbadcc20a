"""English names of units, currencies and signs."""

from typing import Final

#: Written unit -> (singular, plural).
UNITS: Final[dict[str, tuple[str, str]]] = {
    **{
        "km": ("kilometer", "kilometers"),
        "m": ("meter", "meters"),
        "cm": ("centimeter", "centimeters"),
    },
    **{"mm": ("millimeter", "millimeters"), "nm": ("nanometer", "nanometers")},
    **{"μm": ("micrometer", "micrometers"), "ft": ("foot", "feet"), "yd": ("yard", "yards")},
    **{"mi": ("mile", "miles"), "kg": ("kilogram", "kilograms"), "g": ("gram", "grams")},
    **{
        "mg": ("milligram", "milligrams"),
        "μg": ("microgram", "micrograms"),
        "lb": ("pound", "pounds"),
    },
    **{"lbs": ("pound", "pounds"), "oz": ("ounce", "ounces"), "L": ("liter", "liters")},
    **{
        "l": ("liter", "liters"),
        "ml": ("milliliter", "milliliters"),
        "mL": ("milliliter", "milliliters"),
    },
    **{"s": ("second", "seconds"), "sec": ("second", "seconds"), "secs": ("second", "seconds")},
    **{"ms": ("millisecond", "milliseconds"), "μs": ("microsecond", "microseconds")},
    **{
        "ns": ("nanosecond", "nanoseconds"),
        "min": ("minute", "minutes"),
        "mins": ("minute", "minutes"),
    },
    **{"h": ("hour", "hours"), "hr": ("hour", "hours"), "hrs": ("hour", "hours")},
    **{
        "Hz": ("hertz", "hertz"),
        "kHz": ("kilohertz", "kilohertz"),
        "MHz": ("megahertz", "megahertz"),
    },
    **{"GHz": ("gigahertz", "gigahertz"), "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts")},
    **{"MW": ("megawatt", "megawatts"), "GW": ("gigawatt", "gigawatts"), "V": ("volt", "volts")},
    **{"kWh": ("kilowatt hour", "kilowatt hours"), "mAh": ("milliamp hour", "milliamp hours")},
    **{
        "mA": ("milliamp", "milliamps"),
        "kV": ("kilovolt", "kilovolts"),
        "mV": ("millivolt", "millivolts"),
    },
    **{
        "dB": ("decibel", "decibels"),
        "kPa": ("kilopascal", "kilopascals"),
        "Pa": ("pascal", "pascals"),
    },
    **{
        "hPa": ("hectopascal", "hectopascals"),
        "J": ("joule", "joules"),
        "kJ": ("kilojoule", "kilojoules"),
    },
    **{"kcal": ("kilocalorie", "kilocalories"), "cal": ("calorie", "calories")},
    **{
        "KB": ("kilobyte", "kilobytes"),
        "kB": ("kilobyte", "kilobytes"),
        "MB": ("megabyte", "megabytes"),
    },
    **{
        "GB": ("gigabyte", "gigabytes"),
        "TB": ("terabyte", "terabytes"),
        "PB": ("petabyte", "petabytes"),
    },
    **{"kbps": ("kilobit per second", "kilobits per second")},
    **{"Mbps": ("megabit per second", "megabits per second")},
    **{"Gbps": ("gigabit per second", "gigabits per second")},
    **{
        "mph": ("mile per hour", "miles per hour"),
        "kph": ("kilometer per hour", "kilometers per hour"),
    },
    **{
        "km/h": ("kilometer per hour", "kilometers per hour"),
        "m/s": ("meter per second", "meters per second"),
    },
    **{
        "fps": ("frame per second", "frames per second"),
        "rpm": ("R P M", "R P M"),
        "px": ("pixel", "pixels"),
    },
    **{"pg": ("picogram", "picograms"), "ng": ("nanogram", "nanograms"), "t": ("ton", "tons")},
    **{"dL": ("deciliter", "deciliters"), "cl": ("centiliter", "centiliters")},
    **{"tsp": ("teaspoon", "teaspoons"), "Tbsp": ("tablespoon", "tablespoons")},
    **{"tbsp": ("tablespoon", "tablespoons"), "doz": ("dozen", "dozen"), "pt": ("pint", "pints")},
    **{
        "qt": ("quart", "quarts"),
        "gal": ("gallon", "gallons"),
        "mmol": ("millimole", "millimoles"),
    },
    **{"mol": ("mole", "moles"), "bpm": ("beat per minute", "beats per minute")},
    **{"mmHg": ("millimeter of mercury", "millimeters of mercury"), "IU": ("I U", "I U")},
    **{"fl oz": ("fluid ounce", "fluid ounces"), "mcg": ("microgram", "micrograms")},
    **{"sq ft": ("square foot", "square feet"), "sq km": ("square kilometer", "square kilometers")},
    **{"km^2": ("square kilometer", "square kilometers"), "m^2": ("square meter", "square meters")},
    **{"cm^2": ("square centimeter", "square centimeters"), "m^3": ("cubic meter", "cubic meters")},
    **{
        "cm^3": ("cubic centimeter", "cubic centimeters"),
        "km²": ("square kilometer", "square kilometers"),
    },
    **{
        "ha": ("hectare", "hectares"),
        "psi": ("P S I", "P S I"),
        "ppm": ("part per million", "parts per million"),
    },
    **{
        "°C": ("degree Celsius", "degrees Celsius"),
        "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    },
    **{"°": ("degree", "degrees"), "%": ("percent", "percent"), "‰": ("per mille", "per mille")},
}
#: Denominators after a slash: "$5/kg", "3 m/day".
PER: Final = {
    **{name: forms[0] for name, forms in UNITS.items() if name.isalpha()},
    **{
        "day": "day",
        "week": "week",
        "month": "month",
        "year": "year",
        "hour": "hour",
        "mo": "month",
    },
    **{"yr": "year", "wk": "week", "person": "person", "night": "night", "minute": "minute"},
    **{"second": "second"},
}

#: Sign or code -> (singular, plural, cent singular, cent plural).
CURRENCIES: Final[dict[str, tuple[str, str, str, str]]] = {
    **dict.fromkeys(("$", "US$", "USD"), ("dollar", "dollars", "cent", "cents")),
    **dict.fromkeys(("£", "GBP"), ("pound", "pounds", "penny", "pence")),
    **dict.fromkeys(("€", "EUR"), ("euro", "euros", "cent", "cents")),
    **dict.fromkeys(("RMB", "CNY"), ("yuan", "yuan", "fen", "fen")),
    **dict.fromkeys(("¥", "JPY"), ("yen", "yen", "sen", "sen")),
    "₩": ("won", "won", "jeon", "jeon"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "฿": ("baht", "baht", "satang", "satang"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "cent", "cents"),
    "A$": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "C$": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
}
MAGNITUDES: Final = {
    **{"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million"},
    **{"b": "billion", "B": "billion", "bn": "billion", "T": "trillion", "tn": "trillion"},
    **{name: name for name in ("hundred", "thousand", "million", "billion", "trillion")},
}

SIGNS: Final = {
    **{"&": "and", "+": "plus", "=": "equals", "×": "times", "÷": "divided by", "@": "at"},
    **{"%": "percent", "°": "degrees", "<": "less than", ">": "greater than", "±": "plus or minus"},
    **{"≈": "approximately equals", "≠": "is not equal to", "≤": "less than or equal to"},
    **{"≥": "greater than or equal to", "√": "square root of", "∞": "infinity", "π": "pi"},
    **{"→": "to", "©": "copyright", "™": "trademark", "®": "registered", "№": "number"},
    **{"$": "dollars", "£": "pounds", "€": "euros", "¥": "yen", "§": "section", "µ": "micro"},
    **{"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "θ": "theta", "λ": "lambda"},
    **{"μ": "mu", "σ": "sigma", "ω": "omega", "Δ": "delta", "Σ": "sigma", "Ω": "omega"},
    **{"∑": "sum", "∫": "integral", "∈": "in", "∂": "partial", "‰": "per mille", "¢": "cents"},
}
