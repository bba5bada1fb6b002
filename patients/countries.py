"""Countries by their ISO 3166-1 alpha-2 code, in Indonesian and English. Data, like `patients.codes`."""

from __future__ import annotations

from typing import Any

from django.utils.functional import lazy
from django.utils.translation import get_language

HOME = "ID"
# Those a clinic in Batam meets most stand first in lists.
NEAR = ("ID", "SG", "MY", "CN", "IN", "PH", "BD", "JP", "KR", "AU", "GB", "US")

_TABLE = """
AD Andorra|AE Uni Emirat Arab/United Arab Emirates|AF Afganistan/Afghanistan
AG Antigua dan Barbuda/Antigua and Barbuda|AL Albania|AM Armenia|AO Angola|AR Argentina|AT Austria|AU Australia
AZ Azerbaijan|BA Bosnia dan Herzegovina/Bosnia and Herzegovina|BB Barbados|BD Bangladesh|BE Belgia/Belgium
BF Burkina Faso|BG Bulgaria|BH Bahrain|BI Burundi|BJ Benin|BN Brunei Darussalam|BO Bolivia|BR Brasil/Brazil
BS Bahama/Bahamas|BT Bhutan|BW Botswana|BY Belarus|BZ Belize|CA Kanada/Canada|CD Republik Demokratik Kongo/DR Congo
CF Republik Afrika Tengah/Central African Republic|CG Kongo/Congo|CH Swiss/Switzerland|CI Pantai Gading/Côte d'Ivoire
CL Chili/Chile|CM Kamerun/Cameroon|CN Tiongkok/China|CO Kolombia/Colombia|CR Kosta Rika/Costa Rica|CU Kuba/Cuba
CV Tanjung Verde/Cabo Verde|CY Siprus/Cyprus|CZ Ceko/Czechia|DE Jerman/Germany|DJ Djibouti|DK Denmark
DM Dominika/Dominica|DO Republik Dominika/Dominican Republic|DZ Aljazair/Algeria|EC Ekuador/Ecuador|EE Estonia
EG Mesir/Egypt|ER Eritrea|ES Spanyol/Spain|ET Etiopia/Ethiopia|FI Finlandia/Finland|FJ Fiji|FM Mikronesia/Micronesia
FR Prancis/France|GA Gabon|GB Britania Raya/United Kingdom|GD Grenada|GE Georgia|GH Ghana|GM Gambia|GN Guinea
GQ Guinea Khatulistiwa/Equatorial Guinea|GR Yunani/Greece|GT Guatemala|GW Guinea-Bissau|GY Guyana|HK Hong Kong
HN Honduras|HR Kroasia/Croatia|HT Haiti|HU Hungaria/Hungary|ID Indonesia|IE Irlandia/Ireland|IL Israel|IN India
IQ Irak/Iraq|IR Iran|IS Islandia/Iceland|IT Italia/Italy|JM Jamaika/Jamaica|JO Yordania/Jordan|JP Jepang/Japan
KE Kenya|KG Kirgizstan/Kyrgyzstan|KH Kamboja/Cambodia|KI Kiribati|KM Komoro/Comoros
KN Saint Kitts dan Nevis/Saint Kitts and Nevis|KP Korea Utara/North Korea|KR Korea Selatan/South Korea|KW Kuwait
KZ Kazakhstan|LA Laos|LB Lebanon|LC Saint Lucia|LI Liechtenstein|LK Sri Lanka|LR Liberia|LS Lesotho
LT Lituania/Lithuania|LU Luksemburg/Luxembourg|LV Latvia|LY Libya|MA Maroko/Morocco|MC Monako/Monaco|MD Moldova
ME Montenegro|MG Madagaskar/Madagascar|MH Kepulauan Marshall/Marshall Islands|MK Makedonia Utara/North Macedonia
ML Mali|MM Myanmar|MN Mongolia|MO Makau/Macao|MR Mauritania|MT Malta|MU Mauritius|MV Maladewa/Maldives|MW Malawi
MX Meksiko/Mexico|MY Malaysia|MZ Mozambik/Mozambique|NA Namibia|NE Niger|NG Nigeria|NI Nikaragua/Nicaragua
NL Belanda/Netherlands|NO Norwegia/Norway|NP Nepal|NR Nauru|NZ Selandia Baru/New Zealand|OM Oman|PA Panama|PE Peru
PG Papua Nugini/Papua New Guinea|PH Filipina/Philippines|PK Pakistan|PL Polandia/Poland|PS Palestina/Palestine
PT Portugal|PW Palau|PY Paraguay|QA Qatar|RO Rumania/Romania|RS Serbia|RU Rusia/Russia|RW Rwanda
SA Arab Saudi/Saudi Arabia|SB Kepulauan Solomon/Solomon Islands|SC Seychelles|SD Sudan|SE Swedia/Sweden
SG Singapura/Singapore|SI Slovenia|SK Slowakia/Slovakia|SL Sierra Leone|SM San Marino|SN Senegal|SO Somalia
SR Suriname|SS Sudan Selatan/South Sudan|ST Sao Tome dan Principe/Sao Tome and Principe|SV El Salvador|SY Suriah/Syria
SZ Eswatini|TD Chad|TG Togo|TH Thailand|TJ Tajikistan|TL Timor-Leste|TM Turkmenistan|TN Tunisia|TO Tonga
TR Turki/Türkiye|TT Trinidad dan Tobago/Trinidad and Tobago|TV Tuvalu|TW Taiwan|TZ Tanzania|UA Ukraina/Ukraine
UG Uganda|US Amerika Serikat/United States|UY Uruguay|UZ Uzbekistan|VA Vatikan/Holy See
VC Saint Vincent dan Grenadine/Saint Vincent and the Grenadines|VE Venezuela|VN Vietnam|VU Vanuatu|WS Samoa
YE Yaman/Yemen|ZA Afrika Selatan/South Africa|ZM Zambia|ZW Zimbabwe
"""


def _read() -> dict[str, tuple[str, str]]:
    found = {}
    for entry in "|".join(_TABLE.split("\n")).split("|"):
        code, _space, names = entry.strip().partition(" ")
        if code:
            local, _slash, english = names.partition("/")
            found[code] = (local, english or local)
    return found


COUNTRIES = _read()


def country_name(code: str) -> str:
    """Return a country's name in the language of the screen; the code itself when it is not in the list."""
    names = COUNTRIES.get(code)
    if names is None:
        return code
    return names[1] if (get_language() or "id").startswith("en") else names[0]


def choices(*, empty: Any = None, without_home: bool = False) -> list[tuple[str, Any]]:
    """Return the countries as choices of a form field, the near ones first; `empty` is the label of no answer."""
    rows: list[tuple[str, Any]] = [("", empty)] if empty is not None else []
    rest = sorted(set(COUNTRIES) - set(NEAR), key=lambda code: COUNTRIES[code][0])
    codes = [code for code in (*NEAR, *rest) if not (without_home and code == HOME)]
    return [*rows, *((code, _country_name(code)) for code in codes)]


_country_name = lazy(country_name, str)
