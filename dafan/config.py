"""One tree of settings: ``dafan.toml``, overridden by ``DAFAN_*`` variables.

``DAFAN_SERVER__PORT=8080`` sets ``port`` in ``[server]``. A name that does not exist is an error
that names the nearest one that does: a typing error never silently means the default.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from dafan.config_line import LineSettings
from dafan.config_place import PlaceSettings
from dafan.config_scales import ScaleSettings as ScaleSettings  # noqa: PLC0414 - of this tree too
from dafan.config_voice import ScreenSettings, VoiceSettings
from dafan.errors import ConfigError

DEFAULT_FILE = Path("dafan.toml")
PREFIX = "DAFAN_"
_NOT_SETTINGS = {"DAFAN_CONFIG", "DAFAN_FACES", "DAFAN_FONT", "DAFAN_MODELS"}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ServerSettings(_Section):
    """The server process."""

    host: str = "127.0.0.1"
    """Address to listen on; put TLS (a reverse proxy) in front before it leaves the machine."""
    port: int = Field(default=8080, ge=1, le=65535)
    """TCP port of the pages and of the API."""
    workers: int = Field(default=2, ge=1, le=64)
    """Gunicorn worker processes."""
    threads: int = Field(default=32, ge=2, le=128)
    """Threads of each worker; a terminal that waits for news holds one, three in four at most."""
    https: bool = False
    """TLS is in front: cookies are then marked secure."""
    second_factor: Literal["required", "optional"] = "required"
    """Whether administrators and finance must sign in with a one-time code as well."""


class OidcSettings(_Section):
    """Single sign-on by OpenID Connect, for people who have an account here already."""

    issuer: str = ""
    """The provider's address, ``https://…``; empty: no single sign-on."""
    client_id: str = ""
    """The name of this server at the provider."""
    client_secret_file: Path | None = None
    """First line: the secret of that name."""
    claim: str = "preferred_username"
    """What of the provider's answer is the login here."""
    diner_claim: str = ""
    """What of it is a diner's staff number, on the phone; empty: as ``claim``."""
    label: str = "统一身份认证"
    """The text of the button."""
    acr: str = ""
    """The strength (``acr``) that the provider must have asked for; empty: its own choice."""

    @field_validator("issuer")
    @classmethod
    def _must_be_tls(cls, issuer: str) -> str:
        plain = urlsplit(issuer)
        if issuer and plain.scheme != "https" and plain.hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError("the issuer must begin with https://")
        return issuer.rstrip("/")


class PrinterSettings(_Section):
    """The till's receipt printer."""

    url: str = ""
    """``/dev/usb/lp0``, ``usb:04b8:0e15``, ``serial:/dev/ttyS0``, ``tcp:HOST:9100`` or empty."""
    paper: Literal[58, 80] = 80
    """Width of the paper in millimetres."""
    raster: bool = False
    """Draw the text: for printers without a Chinese font."""


class TillSettings(_Section):
    """A payment station."""

    server_url: str = "http://127.0.0.1:8080"
    """Where the server is."""
    host: str = "127.0.0.1"
    """Address of the kiosk page; it belongs to the till's own screen."""
    port: int = Field(default=8090, ge=1, le=65535)
    """TCP port of the kiosk page."""
    camera: str = ""
    """``0``, ``/dev/video0``, ``rtsp://…``, a film or a folder of pictures; empty: no camera."""
    faces: Literal["everyone", "meal"] = "everyone"
    """``meal``: while a meal is served, only groups with a rule for it are known by face."""
    reader: str = ""
    """Serial card reader such as ``/dev/ttyUSB1``; readers that type need no setting."""
    scale: ScaleSettings = ScaleSettings()
    printer: PrinterSettings = PrinterSettings()
    place: PlaceSettings = PlaceSettings()
    voice: VoiceSettings = VoiceSettings()
    screen: ScreenSettings = ScreenSettings()


class TabletSettings(_Section):
    """What stands beside a kitchen's tablet; read by ``dafan devices serve`` and by the server."""

    devices_url: str = "http://127.0.0.1:8091"
    """Where a tablet's page finds its own scale and label printer; empty: there are none."""
    server_url: str = "http://127.0.0.1:8080"
    """The pages that may ask this tablet's devices: the server's address as the tablet sees it."""
    host: str = "127.0.0.1"
    """Address to listen on: the tablet's own machine."""
    port: int = Field(default=8091, ge=1, le=65535)
    """TCP port to listen on."""
    scale: ScaleSettings = ScaleSettings()
    printer: PrinterSettings = PrinterSettings(paper=58)

    @field_validator("devices_url", "server_url")
    @classmethod
    def _must_be_an_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query):
            raise ValueError("it looks like http://127.0.0.1:8091")
        return f"{parts.scheme}://{parts.netloc}" if url else ""


class SerialProbeSettings(_Section):
    """One serial line with thermometers."""

    device: str
    """``/dev/ttyUSB0``."""
    baud: int = Field(default=9600, ge=300, le=921_600)
    """Speed of the line."""
    pattern: str = ""
    """A regular expression for a whole line, with groups ``id`` and ``celsius``; empty: the
    form ``T1 +04.3C``."""


class BrokerSettings(_Section):
    """An MQTT broker to which thermometers speak."""

    host: str = ""
    """Name or address; empty: there is none."""
    port: int = Field(default=1883, ge=1, le=65535)
    """TCP port; 8883 is usual with TLS."""
    tls: bool = False
    """Speak TLS, and check the broker's certificate."""
    user: str = ""
    """Login at the broker; empty: none is asked."""
    password_file: Path | None = None
    """First line: the password of that login."""
    topics: tuple[str, ...] = ("dafan/probes/+",)
    """What to subscribe to; what stands for the first ``+`` names the probe, where its message
    has no ``id``."""
    field: str = "celsius"
    """Where a JSON message says the temperature; ``temperature`` for Zigbee2MQTT."""


class ProbesSettings(_Section):
    """Thermometers of refrigerators; read by ``dafan devices probes``."""

    server_url: str = "http://127.0.0.1:8080"
    """Where the server is."""
    token_file: Path | None = None
    """First line: an API token of an account that may do the kitchen's work."""
    every_seconds: int = Field(default=60, ge=1, le=900)
    """Of each probe one reading is kept in so many seconds."""
    serial: tuple[SerialProbeSettings, ...] = ()
    """Serial lines, each a ``[[probes.serial]]``."""
    mqtt: BrokerSettings = BrokerSettings()


class VisionSettings(_Section):
    """Face recognition."""

    pack: str | None = None
    """A pack of ``models/manifest.toml``; unset: ``mobilefacenet``, else ``pypi``."""


class BackupSettings(_Section):
    """Backups of the server."""

    folder: Path | None = None
    """Where backups go: best another disk; unset: ``backups`` in ``data_dir``."""
    keep: int = Field(default=14, ge=1, le=1000)
    """How many the nightly job keeps."""
    passphrase_file: Path | None = None
    """Its first line seals the keys in a backup; without it the nightly job leaves them out."""
    hour: int | None = Field(default=None, ge=0, le=23)
    """Local hour of the nightly backup; unset: none is made."""


class GatewaySettings(_Section):
    """WeChat Pay (微信支付), by which diners top up on their phones; secrets stand in files."""

    mchid: str = ""
    """The merchant's number; empty: no payments online."""
    appid: str = ""
    """The application's id."""
    certificate_serial: str = ""
    """Serial number of the merchant's certificate."""
    private_key_file: Path | None = None
    """The merchant's private key, PEM."""
    apiv3_key_file: Path | None = None
    """Its first line: the 32 characters of the APIv3 key."""
    public_key_id: str = ""
    """``PUB_KEY_ID_…``: which of WeChat Pay's public keys it is."""
    public_key_file: Path | None = None
    """WeChat Pay's public key, PEM."""
    notify_url: str = ""
    """``https://HOST/api/v1/payments/wechat/notify``, as WeChat Pay reaches this server."""
    api_url: str = "https://api.mch.weixin.qq.com"
    """WeChat Pay's address; its second one is ``https://api2.mch.weixin.qq.com``."""


class MailSettings(_Section):
    """The mail server by which diners get their one-time codes."""

    host: str = ""
    """Its name; empty: no mail is sent."""
    port: int = Field(default=465, ge=1, le=65535)
    """TCP port."""
    security: Literal["tls", "starttls", "none"] = "tls"
    """``none`` only for a server on the same machine."""
    login: str = ""
    """The account there; empty: it asks for none."""
    password_file: Path | None = None
    """First line: its password."""
    sender: str = ""
    """From whom the mail comes, ``canteen@example.cn``."""
    staff_address: str = "{staff_no}@example.cn"
    """Where the mail of a staff number goes."""

    @field_validator("staff_address")
    @classmethod
    def _must_name_the_number(cls, address: str) -> str:
        if address.count("{staff_no}") != 1 or address.count("@") != 1:
            raise ValueError("it looks like {staff_no}@example.cn")
        return address


class WebhookSettings(_Section):
    """The enterprise chat (企业微信, 钉钉, 浙政钉 …) by which diners get their one-time codes."""

    url: str = ""
    """Where a message is sent as JSON; empty: none is sent."""
    secret_file: Path | None = None
    """First line: the key of the signature in ``X-Dafan-Signature``."""

    @field_validator("url")
    @classmethod
    def _must_be_tls(cls, url: str) -> str:
        plain = urlsplit(url)
        if url and plain.scheme != "https" and plain.hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError("the address must begin with https://")
        return url


class Settings(BaseSettings):
    """Everything that a person can set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True,
        use_attribute_docstrings=True, validate_default=True,
    )  # fmt: skip

    data_dir: Path = Path("var")
    """Databases, keys, sealed photographs, the till's journal."""
    database_url: str = ""
    """``sqlite:///FILE`` or ``postgresql+psycopg://…``; empty: ``dafan.db`` in ``data_dir``."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """How much the processes say."""
    log_format: Literal["text", "json"] = "text"
    """``json``: one object a line, for programs that collect logs."""
    server: ServerSettings = ServerSettings()
    backup: BackupSettings = BackupSettings()
    gateway: GatewaySettings = GatewaySettings()
    mail: MailSettings = MailSettings()
    webhook: WebhookSettings = WebhookSettings()
    till: TillSettings = TillSettings()
    tablet: TabletSettings = TabletSettings()
    line: LineSettings = LineSettings()
    probes: ProbesSettings = ProbesSettings()
    vision: VisionSettings = VisionSettings()
    oidc: OidcSettings = OidcSettings()

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'dafan.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables win over the file."""
        del settings_cls
        return env_settings, init_settings


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        path: The TOML file; else ``DAFAN_CONFIG``, else ``dafan.toml`` where there is one.

    Raises:
        ConfigError: a named file is missing or no TOML, a name is unknown, a value impossible.
    """
    named = path or (Path(os.environ["DAFAN_CONFIG"]) if os.environ.get("DAFAN_CONFIG") else None)
    file = named or DEFAULT_FILE
    values: dict[str, Any] = {}
    if named or file.exists():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(f"{file}: there is no such file") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ConfigError(f"{file}: not readable as TOML: {error}") from error
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, file)) from error


def first_line(path: Path | None, setting: str, what: str) -> str:
    """A secret that stands in a file.

    Args:
        path: As it is set.
        setting: Its name, such as ``probes.token_file``.
        what: What stands there, for the person who has to write it.

    Raises:
        ConfigError: nothing is set, nothing stands there, or it cannot be read.
    """
    if path is None:
        raise ConfigError(f"set {setting}: a file whose first line is {what}")
    try:
        line = path.read_text("utf-8").split("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{setting}: {path} cannot be read: {error}") from error
    if not line:
        raise ConfigError(f"{setting}: write {what} into the first line of {path}")
    return line


def setting_names(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Every setting as ``section.name``."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names += setting_names(inner, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names


def _refuse_unknown_variables() -> None:
    known = {PREFIX + name.replace(".", "__").upper() for name in setting_names()} | _NOT_SETTINGS
    for variable in os.environ:
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            raise ConfigError(f"{variable} is no setting{_nearest(variable.upper(), known)}")


def _explain(error: ValidationError, file: Path) -> str:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"{name}: no such setting{_nearest(name, setting_names())}")
        else:
            lines.append(f"{name}: {problem['msg']} (it is {problem['input']!r})")
    return f"{file} or DAFAN_* variables: " + "; ".join(lines)


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {near[0]}?" if near else ""
