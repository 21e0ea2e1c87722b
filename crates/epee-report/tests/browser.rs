//! The page in a real browser: every figure is drawn, tips show values, dark mode and print work, and nothing is fetched.
//!
//! Needs Chromium, at `CHROMIUM` or on the path. Without it the tests say so and pass; with `EPEE_REQUIRE_BROWSER=1` they fail.

#![allow(clippy::unwrap_used)]

#[path = "common/chromium.rs"]
mod chromium;
mod common;

use chromium::Page;
use common::whole;
use epee_report::{figures, html};
use serde_json::{Value, json};

/// A browser with the page of a whole report open, and the folder it lies in; `None` if there is no browser.
fn open(test: &str) -> Option<(Page, tempfile::TempDir, String)> {
    let Some(path) = chromium::find() else {
        assert!(
            std::env::var("EPEE_REQUIRE_BROWSER").as_deref() != Ok("1"),
            "{test}: no chromium on the path, and EPEE_REQUIRE_BROWSER=1"
        );
        println!("skipped: {test} needs chromium on the path, or its path in CHROMIUM");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, html(&[whole()], None)).unwrap();
    let address = format!("file://{}", file.display());
    let mut page = Page::open(&path);
    let size = json!({ "width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false });
    page.call("Emulation.setDeviceMetricsOverride", size);
    page.go(&address);
    Some((page, folder, address))
}

fn light(page: &mut Page, scheme: &str) {
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    page.call("Emulation.setEmulatedMedia", features);
}

/// The middle of an element, after scrolling to it. Scrolling hides a tooltip a frame later, so this waits two frames.
fn middle(page: &mut Page, selector: &str) -> (f64, f64) {
    page.value(&format!("document.querySelector({}).scrollIntoView({{block: 'center'}})", json!(selector)));
    two_frames(page);
    let at = page.value(&format!(
        "(() => {{ const b = document.querySelector({}).getBoundingClientRect();
           return [b.left + b.width / 2, b.top + b.height / 2]; }})()",
        json!(selector)
    ));
    (at[0].as_f64().unwrap(), at[1].as_f64().unwrap())
}

fn two_frames(page: &mut Page) {
    page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
}

/// The text of the tooltip; empty if it is hidden.
fn tip(page: &mut Page) -> String {
    let text = page.value(
        "new Promise((done) => requestAnimationFrame(() => {
           const tip = document.getElementById('tip'), box = tip.getBoundingClientRect();
           done(!tip.hidden && box.width > 0 && getComputedStyle(tip).visibility === 'visible' ? tip.innerText : ''); }))",
    );
    text.as_str().unwrap().to_owned()
}

#[test]
fn every_figure_is_drawn_without_a_complaint_and_nothing_is_fetched() {
    let Some((mut page, _folder, address)) = open("every_figure_is_drawn") else { return };
    for figure in figures(&whole()) {
        let sizes = page.value(&format!(
            "[...document.querySelectorAll('figure[data-figure={:?}] svg.plot')].map((svg) => {{
               const box = svg.getBoundingClientRect(); return [box.width, box.height, svg.getBBox().width]; }})",
            figure.slug
        ));
        let sizes = sizes.as_array().unwrap();
        assert_eq!(sizes.len(), figure.panels.len(), "{}", figure.slug);
        for size in sizes {
            let least =
                size.as_array().unwrap().iter().map(|size| size.as_f64().unwrap()).fold(f64::INFINITY, f64::min);
            assert!(least > 100.0, "{}: {size}", figure.slug);
        }
    }
    // Nothing is cut off at the sides, wide or narrow.
    for width in [1280, 360] {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        page.call("Emulation.setDeviceMetricsOverride", size);
        let over = page.value("document.documentElement.scrollWidth - innerWidth").as_f64().unwrap();
        assert!(over <= 0.0, "at {width} pixels the page is {over} too wide");
    }
    let asked: Vec<&str> = page
        .events_of("Network.requestWillBeSent")
        .map(|event| event["params"]["request"]["url"].as_str().unwrap())
        .collect();
    assert!(
        asked.iter().all(|url| *url == address || url.starts_with("data:")) && asked.contains(&&*address),
        "{asked:?}"
    );
    assert_eq!(
        page.value("performance.getEntriesByType('resource').filter((e) => !e.name.startsWith('data:')).length"),
        0
    );
    let complaints: Vec<&Value> = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"]
        .into_iter()
        .flat_map(|method| page.events_of(method))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn pointing_shows_the_value() {
    let Some((mut page, _folder, _)) = open("pointing_shows_the_value") else { return };
    // A point of a curve: text as in its title.
    let point = "figure[data-figure=fig3-exits] svg.plot circle.h";
    let said = page.value(&format!("document.querySelector('{point} title').textContent"));
    let (x, y) = middle(&mut page, point);
    assert_eq!(tip(&mut page), "");
    page.point(x + 3.0, y - 2.0);
    let shown = tip(&mut page);
    let exit = &whole().exits[0];
    assert_eq!(shown, said.as_str().unwrap());
    assert_eq!(shown, format!("exit 1\naccuracy {:.4}", exit.accuracy));
    assert_eq!(page.value("document.querySelectorAll('circle.ring').length >= 1"), true);
    // A cell of the grid.
    let (x, y) = middle(&mut page, "figure[data-figure=fig4-grid] svg.plot rect.cell");
    page.point(x, y);
    let grid = whole().grid.unwrap();
    let (value, saving) = (grid.rows[0].values[0], grid.rows[0].savings[0]);
    assert_eq!(tip(&mut page), format!("τ = 0, P_t = 1\nmacro-F1 {value:.4}\nsaving {saving:.4}"));
    // Away from everything it goes, and the browser's own tooltips stay away.
    let (x, y) = middle(&mut page, "figure[data-figure=fig4-grid] figcaption");
    page.point(x, y);
    assert_eq!(tip(&mut page), "");
    assert_eq!(
        page.value("document.querySelectorAll('figure[data-figure=fig4-grid] svg.plot:first-child title').length"),
        0
    );
    // The keyboard reaches the values too.
    page.value("document.querySelector('figure[data-figure=exit-histogram] svg.plot').focus()");
    // Focus scrolls there.
    two_frames(&mut page);
    page.press("ArrowRight");
    assert!(tip(&mut page).starts_with("exit 1\n"), "{}", tip(&mut page));
    page.press("ArrowRight");
    assert!(tip(&mut page).starts_with("exit 2\n"), "{}", tip(&mut page));
    page.press("Escape");
    assert_eq!(tip(&mut page), "");
}

#[test]
fn the_dark_page_is_dark_and_paper_is_light() {
    let Some((mut page, _folder, _)) = open("the_dark_page_is_dark") else { return };
    // How bright a colour is, from 0 to 255.
    let bright = |page: &mut Page, selector: &str, property: &str| {
        let rgb = page.value(&format!("getComputedStyle(document.querySelector('{selector}')).{property}"));
        let parts: Vec<f64> =
            rgb.as_str().unwrap().split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        parts.iter().take(3).sum::<f64>() / 3.0
    };
    let text = "figure svg.plot text.t";
    light(&mut page, "light");
    let day = (bright(&mut page, "body", "backgroundColor"), bright(&mut page, text, "fill"));
    light(&mut page, "dark");
    let night = (bright(&mut page, "body", "backgroundColor"), bright(&mut page, text, "fill"));
    assert!(day.0 > 200.0 && day.1 < 120.0, "{day:?}");
    assert!(night.0 < 60.0 && night.1 > 130.0, "{night:?}");
    // Printed from a dark screen it is dark on white.
    let print = json!({ "media": "print", "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    page.call("Emulation.setEmulatedMedia", print);
    let paper = (bright(&mut page, "figure", "backgroundColor"), bright(&mut page, text, "fill"));
    assert!(paper.0 > 240.0 && paper.1 < 120.0, "{paper:?}");
    assert_eq!(page.value("getComputedStyle(document.querySelector('figure')).breakInside"), "avoid");
}
