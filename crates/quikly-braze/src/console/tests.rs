use std::error::Error;
use std::io;

use embedded::{IdKeyError, OpenError};

use super::*;

/// One error of every kind that has a cause.
fn errors() -> Vec<Box<dyn Error>> {
    let is_a_directory = || io::Error::from_raw_os_error(21);
    let unavailable = || ports::Error::unavailable("reading", is_a_directory());
    vec![
        Box::new(OpenError::NotWritable(is_a_directory())),
        Box::new(OpenError::Threads(is_a_directory().into())),
        Box::new(OpenError::Damaged("a page is damaged".to_owned())),
        Box::new(unavailable()),
        Box::new(ports::Error::corrupt("record", is_a_directory())),
        Box::new(IdKeyError::Unavailable(unavailable())),
        Box::new(braze::TransportError::NotSent("refused".to_owned())),
        Box::new(callback::CallbackError::NoAnswer("refused".to_owned())),
    ]
}

#[test]
fn no_error_repeats_its_cause() {
    for error in errors() {
        let mut said = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(source) = cause {
            assert!(!said.iter().any(|said| said.contains(&source.to_string())), "{said:?} {source}");
            said.push(source.to_string());
            cause = source.source();
        }
        let full = in_full(&*error);
        assert_eq!(full.matches("os error 21").count().max(1), 1, "{full}");
    }
}

#[test]
fn a_closed_output_is_not_a_failure_and_a_full_disk_is() {
    assert!(read_or_full(Err(ErrorKind::BrokenPipe.into())).is_ok());
    let full = read_or_full(Err(ErrorKind::StorageFull.into())).unwrap_err();
    assert_eq!(full.to_string(), "standard output cannot be written");
}

#[test]
fn a_progress_bar_is_drawn_from_a_correct_template() {
    let bar = progress("codes.txt".to_owned(), 100);
    bar.set_position(40);
    assert_eq!((bar.position(), bar.length()), (40, Some(100)));
}
