"""The page of the inventory in a real browser: sort, filter, open, by mouse and by keys, in light and in dark.

Needs Chromium and its driver (Debian: `apt-get install chromium chromium-driver`); without them the tests are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from audit_support import finding, inventory_of, made_up
from test_audit_formats import HOSTILE, hostile

from supavisor_lint.report import audit_html
from supavisor_lint.report.audit_model import AuditedRegistration, AuditedTask, Proposal

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    BROWSER is None or DRIVER is None, reason="no Chromium with chromedriver: apt-get install chromium chromium-driver"
)


def sample() -> list[AuditedTask]:
    """Three tasks that every column puts into another order, and a hostile one."""
    many = tuple(AuditedRegistration("app/api.py", line, "add_job", "schedule") for line in (3, 5))
    worst = finding(code="SUP101", severity="error", fix=None, no_fix_reason="the session escapes")
    diff = "--- a/app/tasks.py\n+++ b/app/tasks.py\n@@ -7 +7 @@\n-old\n+new\n"
    return [
        made_up(function="beta", priority="high", session="factory", phases=0, findings=(worst, finding())),
        made_up(
            function="gamma", priority="medium", phases=10, findings=(finding(),), proposal=Proposal(diff)
        ),
        made_up(function="Alpha", registrations=many, inner_handler=False, start_log=False),
        *hostile().tasks,
    ]  # fmt: skip


@pytest.fixture(scope="module", name="browser")
def browser_fixture() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--window-size=1300,900",
    ):
        options.add_argument(argument)
    if os.name == "posix" and os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module", name="address")
def address_fixture(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "audit.html"
    path.write_text(audit_html.render(inventory_of(*sample()), HOSTILE, "1.0"), "utf-8")
    return Path(path).as_uri()


@pytest.fixture(name="page")
def page_fixture(browser: Any, address: str) -> Any:
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []


def shown(page: Any) -> list[str]:
    """The first five letters of the names of the tasks that are to be seen, from top to bottom."""
    names: list[str] = page.execute_script(
        "return [...document.querySelectorAll('tbody .name')].filter(n => n.checkVisibility()).map(n => n.textContent)"
    )
    return [name[:5] for name in names]


def heading(page: Any, title: str) -> Any:
    return page.find_element(By.XPATH, f"//th[button[text()='{title}']]")


def opener(page: Any, name: str) -> Any:
    return page.find_element(By.XPATH, f"//button[.//span[contains(@class,'name') and text()='{name}']]")


ORDERS = [
    ("Task", ["Alpha", "beta", "gamma", "x</sc"], ["x</sc", "gamma", "beta", "Alpha"]),
    ("Session", ["beta", "gamma", "Alpha", "x</sc"], ["gamma", "Alpha", "x</sc", "beta"]),
    ("Phases", ["beta", "Alpha", "x</sc", "gamma"], ["gamma", "Alpha", "x</sc", "beta"]),
    ("Findings", ["Alpha", "gamma", "x</sc", "beta"], ["beta", "gamma", "x</sc", "Alpha"]),
]


def test_a_click_sorts_and_another_one_turns_round(page: Any) -> None:
    assert shown(page) == ["beta", "gamma", "Alpha", "x</sc"], "the most urgent first"
    for title, ascending, descending in ORDERS:
        page.refresh()  # what is equal keeps the order in which it stands
        for order, names in (("ascending", ascending), ("descending", descending)):
            heading(page, title).find_element(By.TAG_NAME, "button").click()
            assert shown(page) == names
            assert [h.text for h in page.find_elements(By.CSS_SELECTOR, f"th[aria-sort={order}]")] == [title]
            assert len(page.find_elements(By.CSS_SELECTOR, "th[aria-sort]")) == 1


def test_keys_sort_as_well(page: Any) -> None:
    button = heading(page, "Task").find_element(By.TAG_NAME, "button")
    button.send_keys(Keys.ENTER)
    assert shown(page) == ["Alpha", "beta", "gamma", "x</sc"]
    button.send_keys(Keys.SPACE)
    assert shown(page) == ["x</sc", "gamma", "beta", "Alpha"]


def test_the_text_box_filters_by_every_word(page: Any) -> None:
    box = page.find_element(By.ID, "text")
    box.send_keys("ADD_JOB alp")
    assert shown(page) == ["Alpha"]
    assert page.find_element(By.ID, "shown").text == "1 of 4 shown"
    box.send_keys(" nowhere")
    assert shown(page) == []
    assert page.find_element(By.ID, "nothing").is_displayed()
    box.send_keys(Keys.ESCAPE)
    assert len(shown(page)) == 4


def test_the_selects_filter_together(page: Any) -> None:
    Select(page.find_element(By.ID, "session")).select_by_visible_text("helper")
    assert shown(page) == ["gamma", "Alpha", "x</sc"]
    Select(page.find_element(By.ID, "priority")).select_by_visible_text("medium")
    assert shown(page) == ["gamma"]
    Select(page.find_element(By.ID, "session")).select_by_visible_text("all")
    Select(page.find_element(By.ID, "priority")).select_by_visible_text("high")
    assert shown(page) == ["beta"]


def test_a_task_opens_and_closes_by_mouse_and_by_keys(page: Any) -> None:
    button = opener(page, "gamma")
    detail = page.find_element(By.ID, button.get_attribute("aria-controls"))
    assert (button.get_attribute("aria-expanded"), detail.is_displayed()) == ("false", False)
    button.click()
    assert (button.get_attribute("aria-expanded"), detail.is_displayed()) == ("true", True)
    assert "+new" in detail.text
    assert detail.find_element(By.TAG_NAME, "mark").text == "get_session()"
    assert "SUP301" in detail.find_element(By.CSS_SELECTOR, ".note").text
    button.send_keys(Keys.SPACE)
    assert not detail.is_displayed()
    button.send_keys(Keys.ENTER)
    assert detail.is_displayed()


def test_all_tasks_open_at_once(page: Any) -> None:
    button = page.find_element(By.ID, "all")
    button.click()
    assert all(detail.is_displayed() for detail in page.find_elements(By.CSS_SELECTOR, ".detail"))
    button.click()
    assert not any(detail.is_displayed() for detail in page.find_elements(By.CSS_SELECTOR, ".detail"))


def test_arrow_keys_go_through_the_tasks_that_are_shown(page: Any) -> None:
    page.find_element(By.ID, "text").send_keys("app/tasks.py")
    opener(page, "beta").send_keys(Keys.ARROW_DOWN)
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert page.switch_to.active_element.text.startswith("Alpha")
    page.switch_to.active_element.send_keys(Keys.ARROW_UP)
    assert page.switch_to.active_element.text.startswith("gamma")


def test_hostile_code_does_nothing_and_nothing_is_fetched(page: Any) -> None:
    page.find_element(By.ID, "all").click()
    assert page.execute_script("return document.scripts.length") == 1
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert "<script>alert(1)</script>" in page.find_element(By.TAG_NAME, "body").text


CONTRAST = """
function parts(colour) { return colour.match(/[\\d.]+/g).map(Number); }
function light(rgb) {
  const c = rgb.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
}
function back(element) {
  for (let e = element; e; e = e.parentElement) {
    const rgb = parts(getComputedStyle(e).backgroundColor);
    if (rgb.length < 4 || rgb[3] > 0) { return rgb; }
  }
  return [255, 255, 255];
}
const worst = {};
for (const element of document.querySelectorAll("body *")) {
  const own = Array.from(element.childNodes).some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest("svg, script, select")) { continue; }
  const one = light(parts(getComputedStyle(element).color)), other = light(back(element));
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  const name = element.tagName + "." + element.className;
  worst[name] = Math.min(worst[name] || 99, ratio);
}
return worst;
"""


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_all_text_is_readable_in_light_and_dark(page: Any, mode: str) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    page.find_element(By.ID, "all").click()
    back = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, back[4:-1].split(","))) < 200) is (mode == "dark")
    worst = page.execute_script(CONTRAST)
    assert len(worst) > 20
    assert {name: ratio for name, ratio in worst.items() if ratio < 4.5} == {}


def test_the_page_fits_a_small_window(page: Any) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 420, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        wider = page.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wider == 0


@pytest.mark.parametrize("width", [1200, 1300, 1600])
def test_every_column_is_in_sight_without_scrolling(page: Any, width: int) -> None:
    """On a window of a notebook's width; the last column has the findings, which nobody would look for out of sight."""
    before = page.get_window_size()
    page.set_window_size(width, before["height"])
    try:
        page.find_element(By.XPATH, "//button[text()='Expand all']").click()  # long lines of code move nothing
        hidden = page.execute_script(
            "const box = document.querySelector('.scroll'); return box.scrollWidth - box.clientWidth"
        )
        assert hidden == 0
    finally:
        page.set_window_size(before["width"], before["height"])
