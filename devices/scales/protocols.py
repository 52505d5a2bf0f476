"""The protocols by the names that the configuration uses."""

from dataclasses import replace

from dafan.config_scales import ScaleSettings
from dafan.errors import ConfigError
from devices.scales import (
    aclas_os2,
    adam,
    cas_22,
    cas_soh,
    dialog06,
    dibal,
    epelsa,
    mt_continuous,
    mtsics,
    nci,
    ohaus,
    sma,
    st_gs,
    toledo8217,
    yaohua_a9,
)
from devices.scales.driver import Driver
from devices.scales.framed import NAME as CUSTOM
from devices.scales.framed import framed, line_of

PROTOCOLS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        mtsics.DRIVER,
        toledo8217.DRIVER,
        cas_soh.DRIVER,
        aclas_os2.DRIVER,
        aclas_os2.PASSIVE,
        cas_22.DRIVER,
        st_gs.DRIVER,
        yaohua_a9.DRIVER,
        mt_continuous.DRIVER,
        mt_continuous.PLAIN,
        epelsa.DRIVER,
        nci.DRIVER,
        sma.DRIVER,
        ohaus.DRIVER,
        dibal.DRIVER,
        dialog06.DRIVER,
        cas_22.SHORT,
        adam.DRIVER,
    )
}


def driver_named(name: str) -> Driver:
    """The driver of a protocol.

    Raises:
        ConfigError: no protocol has that name.
    """
    driver = PROTOCOLS.get(name)
    if driver is None:
        known = ", ".join((*PROTOCOLS, CUSTOM))
        raise ConfigError(f"unknown scale protocol '{name}': use one of {known}")
    return driver


def driver_for(scale: ScaleSettings) -> Driver:
    """The driver of a configured scale: of its protocol, or, for ``custom``, of its frame.

    Raises:
        ConfigError: no protocol has that name, the line or the frame is not described well.
    """
    driver = framed(scale.frame) if scale.protocol == CUSTOM else driver_named(scale.protocol)
    return replace(driver, serial=(line_of(scale.line),)) if scale.line else driver
