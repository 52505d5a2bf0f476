"""The protocols by the names that the configuration uses."""

from dafan.errors import ConfigError
from devices.scales import aclas_os2, cas_soh, mtsics, st_gs, toledo8217, yaohua_a9
from devices.scales.driver import Driver

PROTOCOLS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        mtsics.DRIVER,
        toledo8217.DRIVER,
        cas_soh.DRIVER,
        aclas_os2.DRIVER,
        aclas_os2.PASSIVE,
        st_gs.DRIVER,
        yaohua_a9.DRIVER,
    )
}


def driver_named(name: str) -> Driver:
    """The driver of a protocol.

    Raises:
        ConfigError: no protocol has that name.
    """
    driver = PROTOCOLS.get(name)
    if driver is None:
        raise ConfigError(f"unknown scale protocol '{name}': use one of {', '.join(PROTOCOLS)}")
    return driver
