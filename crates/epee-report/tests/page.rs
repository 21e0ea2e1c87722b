//! The page: small, the same bytes each time, complete, and no more sections than there is to say.

#![allow(clippy::unwrap_used)]

mod common;

use common::{parts, whole};
use epee_exit::Trace;
use epee_report::{Options, TraceReport, figures, gather, html, most_points};

#[test]
fn the_same_reports_give_the_same_small_page() {
    let page = html(&[whole()]).unwrap();
    assert_eq!(page, html(&[whole()]).unwrap());
    assert!(page.len() < 700_000, "{} bytes", page.len());
}

#[test]
fn a_page_of_six_large_traces_stays_below_two_megabytes() {
    let most = most_points(6);
    let reports: Vec<TraceReport> = (0..6)
        .map(|i| {
            gather(&Trace::new(parts(3000 + i, 12, 4)).unwrap(), &format!("trace-{i}"), &Options::new(most)).unwrap()
        })
        .collect();
    let page = html(&reports).unwrap();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn nothing_on_the_page_points_outside_and_every_link_inside_arrives() {
    let page = html(&[whole(), TraceReport { name: "second".to_owned(), ..whole() }]).unwrap();
    assert!(page.contains("default-src 'none'"));
    for outside in ["src=", "url(", "@import", "href=\"http", "<base", "<form"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "an id occurs twice");
    let links: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() > 20);
    assert!(links.iter().all(|link| ids.contains(link)), "{links:?} {ids:?}");
}

#[test]
fn what_is_not_given_has_no_section() {
    let bare = TraceReport { name: "bare".to_owned(), ..TraceReport::default() };
    assert!(figures(&bare).unwrap().is_empty());
    let page = html(&[bare]).unwrap();
    for absent in ["<figure", "What leaves last", "What was run", "Can confidence"] {
        assert!(!page.contains(absent), "{absent}");
    }
    let full = html(&[whole()]).unwrap();
    for present in
        ["What leaves last", "What was run", "Can confidence", "Risk against setting", "note/", "phee-dev.safetensors"]
    {
        assert!(full.contains(present), "{present}");
    }
}

#[test]
fn texts_are_there_only_when_given() {
    let mut report = whole();
    assert!(!html(&[report.clone()]).unwrap().contains("<th>text</th>"));
    report.late.as_mut().unwrap().rows[0].text = Some("began zinc & stopped".to_owned());
    let page = html(&[report]).unwrap();
    assert!(page.contains("<th>text</th>") && page.contains("began zinc &amp; stopped"));
}
