"""The page of the chat server, in a real browser."""

import os
import shutil
from typing import Any

import pytest

from langchain_segmind.testing import FunctionModel, LocalGateway
from tests.integration.chat_server import reply, serve

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
By: Any = pytest.importorskip("selenium.webdriver.common.by").By
wait: Any = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait
webdriver: Any = pytest.importorskip("selenium.webdriver")
pytest.importorskip("fastapi", reason="`make demo` installs it")
if not (BROWSER and DRIVER):
    pytest.skip("needs Chromium: apt-get install chromium chromium-driver", allow_module_level=True)


@pytest.fixture(scope="module")
def address():
    with LocalGateway(responder=FunctionModel(reply)) as gateway, serve(gateway) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--window-size=900,700"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's sandbox does not run as root
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, address):
    """Open the page with a new conversation; it must not have logged an error at the end."""
    browser.get(address)
    browser.find_element(By.ID, "new").click()
    yield browser
    assert browser.get_log("browser") == []


def lines(page):
    """Return what the page shows, each line with its class."""
    shown = page.find_elements(By.CSS_SELECTOR, "#log p")
    return [(line.get_attribute("class"), line.text) for line in shown]


def ask(page, text):
    """Ask a question, and wait until the page takes the next one."""
    field = page.find_element(By.ID, "text")
    field.send_keys(text)
    page.find_element(By.ID, "send").click()
    wait(page, 60).until(lambda _: field.is_enabled() and lines(page)[-1][0] != "question")


def usage(page):
    return page.find_element(By.ID, "usage").text


def test_page_shows_the_conversation_and_its_cost(page):
    ask(page, "My name is Ada.")
    ask(page, "What is my name?")

    assert lines(page) == [
        ("question", "My name is Ada."),
        ("answer", "You are Ada."),
        ("question", "What is my name?"),
        ("answer", "You are Ada."),
    ]
    assert usage(page).startswith("This conversation: 2 calls, ")


def test_reloaded_page_shows_the_same_conversation_and_the_button_begins_another(page):
    ask(page, "My name is Ada.")
    page.refresh()
    wait(page, 60).until(lambda _: len(lines(page)) == 2)
    ask(page, "What is my name?")
    assert lines(page)[-1] == ("answer", "You are Ada.")

    page.find_element(By.ID, "new").click()
    assert lines(page) == []
    ask(page, "What is my name?")
    assert lines(page)[-1] == ("answer", "I do not know your name.")


def test_page_shows_that_the_budget_is_used_up(page):
    ask(page, "Spend everything.")
    ask(page, "What is my name?")

    kind, text = lines(page)[-1]
    assert (kind, text.startswith("The budget of this conversation, $0.01,")) == ("stopped", True)


def test_page_shows_markup_as_text(page):
    ask(page, "My name is Ada. <b id='bold'>Bold</b>")

    assert lines(page)[0] == ("question", "My name is Ada. <b id='bold'>Bold</b>")
    assert page.find_elements(By.ID, "bold") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1400])
def test_page_fits_and_is_readable(page, scheme, width):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    ask(page, "My name is Ada. " + "A" * 300)

    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    for selector in ("body", ".answer", ".question", "#usage", "#send", "#new", "h1"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page, selector):
    """Return the contrast of an element's text to what is behind it, as WCAG 2 defines it."""
    colors = page.execute_script(
        """
        let element = document.querySelector(arguments[0]);
        const text = getComputedStyle(element).color;
        let back = "rgba(0, 0, 0, 0)";
        for (; element && back === "rgba(0, 0, 0, 0)"; element = element.parentElement)
          back = getComputedStyle(element).backgroundColor;
        return [text, back].map(color => color.match(/\\d+/g).slice(0, 3).map(Number));
        """,
        selector,
    )
    light, dark = sorted(map(luminance, colors), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color):
    parts = [part / 255 for part in color]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(share * p for share, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
