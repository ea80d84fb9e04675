//! Codes carried by hand, with real keys and chains: what comes through whole, and what every mishap is called.

use proptest::prelude::*;
use seatpool_crypto::{ChainError, P256Verifier, Purpose};
use seatpool_proto::Udi;
use seatpool_proto::code::picture::{self, PictureFailed};
use seatpool_proto::code::{
    AuthorizationRefused, ConfirmationCode, ConfirmationRefused, InvalidAuthorizationCode as WrongCode,
    InvalidConfirmationCode as WrongConfirmation, InvalidRequestCode as WrongRequest,
    InvalidReturnCode as WrongReturn, InvalidXml, RequestCode, ReturnCode, ReturnRefused, Returned,
    UntrustedAuthorization,
};

use crate::party::{Device, Manager, now, unrelated};

// ---------------------------------------------------------------------- request

#[test]
fn a_request_code_comes_back_from_its_line_however_it_was_wrapped_and_quoted() {
    let request = Device::new("edb16").request;
    let line = request.to_string();
    assert!(line.starts_with("SP-ZUCM:edb16-") && line.is_ascii() && !line.contains(' '), "{line}");
    let (head, tail) = line.split_at(40);
    for text in [
        line.clone(),
        format!("  \"{line}\"\r\n"),
        format!("\u{201c}{line}\u{201d}"),
        format!("{head}\r\n   {tail}"),
    ] {
        assert_eq!(text.parse::<RequestCode>().unwrap(), request, "{text}");
    }
    let spoken = request.to_spoken();
    assert_eq!(spoken.parse::<RequestCode>().unwrap(), request, "{spoken}");
    assert_eq!(spoken.to_lowercase().replace(' ', "-").parse::<RequestCode>().unwrap(), request);
}

#[test]
fn each_mishap_of_a_request_code_has_its_own_error() {
    let line = Device::new("edb16").request.to_string();
    let check =
        |text: &str, wrong: WrongRequest| assert_eq!(text.parse::<RequestCode>(), Err(wrong), "{text}");
    check(" ", WrongRequest::Empty);
    check(&line[..line.len() - 3], WrongRequest::Cut);
    check(&line[..60], WrongRequest::Cut);
    check(&format!("{line}{line}"), WrongRequest::Doubled);
    check(&format!("{line}\n{line}"), WrongRequest::Doubled);
    check(&line.replace("edb16", "edb61"), WrongRequest::Mistyped);
    check(&line.replace("UCM", "UCN"), WrongRequest::Mistyped);
    check(&line.replace("edb16", "edß16"), WrongRequest::Character('ß'));
    check("<specificPLR></specificPLR>", WrongRequest::Other("an authorization code"));
    check("17488c1f", WrongRequest::Other("a confirmation code"));
    check("hello, world", WrongRequest::Other("another text"));
    check(&format!("SP-Z{}", "1".repeat(2000)), WrongRequest::TooLong(2004));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every character of the line replaced by every other, and every two of them swapped.
    #[test]
    fn no_single_wrong_and_no_two_swapped_characters_pass(
        pid in "[A-Z0-9-]{1,12}", sn in "[A-Za-z0-9.-]{1,12}", uuid in proptest::option::of("[a-z0-9-]{1,36}")
    ) {
        let line = Device::with(Udi::new(pid, sn, uuid).unwrap()).request.to_string();
        prop_assert!(line.parse::<RequestCode>().is_ok());
        let original = line.as_bytes();
        for at in 0..original.len() {
            for other in [b'1', b'-', b'z', b':', b'A'] {
                let mut changed = original.to_vec();
                changed[at] = other;
                let changed = String::from_utf8(changed).unwrap();
                prop_assert!(changed == line || changed.parse::<RequestCode>().is_err(), "{changed}");
            }
            for with in at + 1..original.len() {
                let mut changed = original.to_vec();
                changed.swap(at, with);
                let changed = String::from_utf8(changed).unwrap();
                prop_assert!(changed == line || changed.parse::<RequestCode>().is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn any_udi_is_carried(
        pid in "[!-~&&[^:;,]]{1,128}", sn in "[!-~&&[^:;,]]{1,128}", uuid in proptest::option::of("[!-~&&[^:;,]]{1,128}")
    ) {
        let request = Device::with(Udi::new(pid, sn, uuid).unwrap()).request;
        prop_assert_eq!(&request.to_string().parse::<RequestCode>().unwrap(), &request);
        prop_assert_eq!(&request.to_spoken().parse::<RequestCode>().unwrap(), &request);
    }
}

#[test]
fn a_misheard_group_is_named() {
    let spoken = Device::new("edb16").request.to_spoken();
    let mut groups: Vec<String> = spoken.split(' ').map(str::to_owned).collect();
    let third: String = groups[2].chars().rev().collect();
    groups[2] = third.clone();
    let wrong = groups.join(" ").parse::<RequestCode>();
    assert_eq!(wrong, Err(WrongRequest::Group { number: 3, group: third }));
    groups.truncate(20);
    groups[2] = spoken.split(' ').nth(2).unwrap().to_owned();
    assert_eq!(groups.join(" ").parse::<RequestCode>(), Err(WrongRequest::Cut));
}

// ---------------------------------------------------------------------- authorization

#[test]
fn an_authorization_code_comes_through_whatever_a_terminal_does_to_it() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let code = manager.authorize(&device.request, 1_585_405_336_190);
    let text = code.to_text();
    assert!(
        text.is_ascii() && !text.contains('"') && !text.contains('\n'),
        "it fits between quotation marks"
    );
    let every = |width: usize, by: &str| {
        text.as_bytes().chunks(width).map(|c| std::str::from_utf8(c).unwrap()).collect::<Vec<_>>().join(by)
    };
    let words = text.replace(' ', "\n");
    let pretty = text.replace("><", ">\n    <");
    for came in [
        text.clone(),
        format!("\"{text}\"\n"),
        format!("'{text}'"),
        format!("\\\"{}\\\"", text.replace('/', "\\/")),
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n{text}\r\n"),
        format!("\u{feff}{text}"),
        every(80, "\n"),
        every(133, "\r\n"),
        every(64, "\\\n"),
        words,
        pretty,
        text.replace("</signature>", "\n </signature>").replace("<signature>ME", "<signature> ME "),
    ] {
        let read = UntrustedAuthorization::from_text(&came).unwrap();
        assert_eq!(read.udi, device.request.udi);
        assert_eq!(read.request, Some(device.request.digest()));
        let verified = read.verify(device.request.digest(), &read.certificates, &P256Verifier);
        assert_eq!(verified.unwrap(), code, "{came}");
    }
    assert_eq!(manager.anchors.verify(&code.certificates, Purpose::Reservation, now()), Ok(()));
}

/// `text` in lines that end where `ends` says, some within words, some at their spaces, which are lost there at times.
fn broken(text: &str, ends: &[(usize, u8)]) -> String {
    let mut lines = String::new();
    let (mut rest, mut number) = (text, 0);
    while !rest.is_empty() {
        let (width, how) = ends[number % ends.len()];
        number += 1;
        let (mut line, mut next) = rest.split_at(width.min(rest.len()));
        if how & 1 == 0
            && let Some(space) = line.rfind(' ').filter(|space| *space > 0 && !next.is_empty())
        {
            (line, next) = rest.split_at(if how & 2 == 0 { space } else { space + 1 });
        }
        let (line, next) = if how & 4 == 0 {
            (line.trim_end_matches(' '), next.trim_start_matches(' '))
        } else {
            (line, next)
        };
        lines.push_str(line);
        if !next.is_empty() {
            lines.push_str(match how >> 4 & 3 {
                0 => "\r\n",
                1 => "\n\t",
                _ => "\n",
            });
        }
        rest = next;
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_authorization_code_is_read_however_its_lines_were_broken(
        ends in proptest::collection::vec((1..200_usize, any::<u8>()), 1..40),
        words in proptest::collection::vec("[a-z&<>\"']{1,9}( {1,2}[a-z]{1,5}){0,12}", 1..6),
        around in 0..6_u8
    ) {
        let (manager, device) = (&*PARTIES.0, &PARTIES.1);
        let text = manager.with_texts(&device.request, &words).to_text();
        let lines = broken(&text, &ends);
        let came = match around {
            0 => format!("\"{lines}\""),
            1 => format!("'{lines}'\r\n"),
            2 => lines.lines().fold(String::new(), |text, line| text + "> " + line + "\n"),
            3 => lines.lines().fold(String::new(), |text, line| text + "> > " + line + "\r\n"),
            _ => lines,
        };
        let read = UntrustedAuthorization::from_text(&came).unwrap();
        let verified = read.verify(device.request.digest(), &read.certificates, &P256Verifier);
        prop_assert_eq!(verified.map(|code| code.to_text()), Ok(text), "{}", came);
    }
}

static PARTIES: std::sync::LazyLock<(Box<Manager>, Device)> =
    std::sync::LazyLock::new(|| (Box::new(Manager::new()), Device::new("edb16")));

#[test]
fn without_the_places_of_its_spaces_a_code_is_read_where_few_lines_were_broken_and_refused_truthfully_otherwise()
 {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let words = ["one two three four five six seven eight nine ten eleven twelve".to_owned()];
    let text = manager.with_texts(&device.request, &words).to_text();
    let (head, rest) = text.split_once("<spaces>").unwrap();
    let (_, tail) = rest.split_once("</spaces>").unwrap();
    let old = format!("{head}{tail}");
    let verified = |came: &str| {
        let read = UntrustedAuthorization::from_text(came).unwrap();
        read.verify(device.request.digest(), &read.certificates, &P256Verifier).map(|code| code.to_text())
    };
    let some = old
        .replace("one two", "one\ntwo")
        .replace("seven", "se\nven")
        .replace("2020-Mar-04 UTC", "2020-Mar-04\nUTC");
    for came in [&old, &some, &old.replace(' ', "\n"), &some.replace("<displayName>", "<displ\n  ayName>")] {
        assert_eq!(verified(came), Ok(text.clone()), "{came}");
    }
    // The places of its spaces were altered: what the signature fits is taken.
    assert_eq!(verified(&format!("{head}<spaces>AAAA</spaces>{tail}")), Ok(text.clone()));
    let many = old.replace(" t", "\nt").replace(" f", "\nf").replace(" s", "\ns").replace('e', "e\n");
    let refused = verified(&many).unwrap_err();
    assert_eq!(refused, AuthorizationRefused::Broken);
    assert!(refused.to_string().contains("Its lines were broken within words"), "{refused}");
    // Of very many breaks only a few readings are tried.
    let hostile = old.replace("one two", &"a\n".repeat(400));
    assert_eq!(verified(&hostile), Err(AuthorizationRefused::Broken));
    assert_eq!(verified(&old.replace("one two", "two two")), Err(AuthorizationRefused::Signature));
}

#[test]
fn a_code_without_its_wrapper_needs_a_chain_that_is_known() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let code = manager.authorize(&device.request, 5);
    let bare = UntrustedAuthorization::from_text(&code.to_bare_text()).unwrap();
    let request = device.request.digest();
    assert_eq!(bare.verify(request, &[], &P256Verifier), Err(AuthorizationRefused::NoCertificate));
    assert_eq!(bare.verify(request, &manager.chain, &P256Verifier), Ok(code));
}

#[test]
fn each_mishap_of_an_authorization_code_has_its_own_error() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let text = manager.authorize(&device.request, 5).to_text();
    let check = |text: &str, wrong: WrongCode| {
        assert_eq!(UntrustedAuthorization::from_text(text), Err(wrong), "{text}");
    };
    check("", WrongCode::Empty);
    check("\"\"", WrongCode::Empty);
    check(&device.request.to_string(), WrongCode::Other("a request code"));
    check("hello", WrongCode::Other("another text"));
    for cut in [1, 20, 200, text.len() / 2, text.len() - 1] {
        check(&text[..cut], WrongCode::Cut);
    }
    check(&format!("{text}{text}"), WrongCode::Doubled);
    check(&format!("{text}\n{text}"), WrongCode::Doubled);
    check(&text.replace("<version>C<", "<version>D<"), WrongCode::Version("D".into()));
    check(&text.replace("<flag>A<", "<flag>U<"), WrongCode::Element("flag"));
    check(&text.replace("<count>3<", "<count>+3<"), WrongCode::Element("count"));
    check(&text.replace("<count>3<", "<count>9999999999<"), WrongCode::Element("count"));
    check(&text.replace("2020-Mar-04 UTC", "2020-Mar-44 UTC"), WrongCode::Element("startDate"));
    check(&text.replace("<timestamp>5<", "<timestamp><"), WrongCode::Element("timestamp"));
    check(&text.replace("<udi>", "<udi>X:1,"), WrongCode::Element("udi"));
    check(&text.replace("<signature>", "<signature>!"), WrongCode::Element("signature"));
    let forbidden = |what| WrongCode::Xml(InvalidXml::Forbidden(what));
    check(
        &format!("<!DOCTYPE a SYSTEM \"file:///etc/passwd\">{text}").replace("<!", "<!"),
        forbidden("a document type"),
    );
    check(&text.replace("UC Manager CUWL", "&xxe;"), forbidden("an entity reference"));
    check(&text.replace("<tag>", "<tag x=\"1\">"), forbidden("an attribute"));
    let many = format!("<entitlements>{}", "<entitlement></entitlement>".repeat(300));
    check(&text.replace("<entitlements>", &many), WrongCode::Limit("entitlements"));
}

#[test]
fn what_was_altered_or_signed_by_another_is_refused() {
    let (manager, other, device) = (Manager::new(), Manager::new(), Device::new("edb16"));
    let code = manager.authorize(&device.request, 5);
    let request = device.request.digest();
    let refused = |text: &str, certificates: Option<&[Vec<u8>]>| {
        let read = UntrustedAuthorization::from_text(text).unwrap();
        read.verify(request, certificates.unwrap_or(&read.certificates), &P256Verifier).unwrap_err()
    };
    let text = code.to_text();
    for altered in [
        text.replace("<count>3<", "<count>4<"),
        text.replace("<timestamp>5<", "<timestamp>6<"),
        text.replace("2020-Aug-31", "2021-Aug-31"),
        text.replace("S:edb16", "S:edb17"),
        text.replace("&amp; more", "&amp; More"),
        text.replace("<subscriptionID>Sub1<", "<extra></extra><subscriptionID>Sub1<"),
    ] {
        assert_ne!(altered, text);
        assert_eq!(refused(&altered, None), AuthorizationRefused::Signature, "{altered}");
    }
    assert_eq!(refused(&text, Some(&other.chain)), AuthorizationRefused::Signature);
    let read = UntrustedAuthorization::from_text(&text).unwrap();
    assert_eq!(
        read.verify(unrelated(), &read.certificates, &P256Verifier),
        Err(AuthorizationRefused::Signature),
        "it is bound to its request"
    );
    let issuing = &manager.chain[1..];
    assert!(matches!(refused(&text, Some(issuing)), AuthorizationRefused::Certificate(_)));
    // Its key signs, but nothing leads to a root that is trusted here, or not at this time.
    let foreign = other.anchors.verify(&read.certificates, Purpose::Reservation, now());
    assert!(matches!(foreign, Err(ChainError::Untrusted(_))));
    let late = "2028-01-02T00:00:00Z".parse().unwrap();
    assert_eq!(
        manager.anchors.verify(&read.certificates, Purpose::Reservation, late),
        Err(ChainError::Expired)
    );
}

// ---------------------------------------------------------------------- confirmation and return

#[test]
fn a_confirmation_code_is_eight_digits_that_only_the_device_can_make() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let facts = device.facts(&manager, 7);
    let code = ConfirmationCode::make(&facts, &device.key).unwrap();
    let digits = code.to_string();
    assert_eq!(digits.len(), 8);
    for text in [digits.clone(), digits.to_uppercase(), format!(" \"{digits}\"\r\n"), code.to_spoken()] {
        assert_eq!(text.parse::<ConfirmationCode>(), Ok(code), "{text}");
    }
    assert_eq!(code.check(&facts, &manager.agreement), Ok(()));
    let later = device.facts(&manager, 8);
    assert_eq!(code.check(&later, &manager.agreement), Err(ConfirmationRefused::Mismatch));
    let other = Device::new("edb17").facts(&manager, 7);
    assert_eq!(code.check(&other, &manager.agreement), Err(ConfirmationRefused::Mismatch));
    let foreign = Manager::new();
    assert!(matches!(code.check(&facts, &foreign.agreement), Err(ConfirmationRefused::Agreement(_))));
    let check = |text: &str, wrong| assert_eq!(text.parse::<ConfirmationCode>(), Err(wrong), "{text}");
    check("", WrongConfirmation::Empty);
    check(&digits[..7], WrongConfirmation::Digits(7));
    check(&format!("{digits}{digits}"), WrongConfirmation::Digits(16));
    check("1748xc1f", WrongConfirmation::Digits(7));
}

#[test]
fn a_return_code_is_five_groups_of_six_that_only_the_device_can_make() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let facts = device.facts(&manager, 1_585_405_336_190);
    for returned in [Returned::Whole, Returned::Change] {
        let code = ReturnCode::make(&facts, returned, &device.key).unwrap();
        let text = code.to_string();
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [6; 5], "{text}");
        for came in [
            text.clone(),
            text.replace('-', " "),
            text.replace('-', ""),
            format!("'{text}'\n"),
            code.to_spoken(),
        ] {
            let read: ReturnCode = came.parse().unwrap();
            assert_eq!(read, code, "{came}");
            assert_eq!((read.returned, read.sequence), (returned, 1_585_405_336_190));
            assert_eq!(read.check(&facts, &manager.agreement), Ok(()));
        }
        let other = Device::new("edb17").facts(&manager, 1_585_405_336_190);
        assert_eq!(code.check(&other, &manager.agreement), Err(ReturnRefused::Device));
        let later = device.facts(&manager, 1_585_405_336_191);
        assert!(matches!(code.check(&later, &manager.agreement), Err(ReturnRefused::Sequence { .. })));
        // The same UDI with another key: a forged one, or one after a reinstallation.
        let again = Device::new("edb16").facts(&manager, 1_585_405_336_190);
        assert_eq!(code.check(&again, &manager.agreement), Err(ReturnRefused::Mismatch));
    }
}

#[test]
fn each_mishap_of_a_return_code_has_its_own_error() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let code = ReturnCode::make(&device.facts(&manager, 9), Returned::Whole, &device.key).unwrap();
    let text = code.to_string();
    let check = |text: &str, wrong: WrongReturn| assert_eq!(text.parse::<ReturnCode>(), Err(wrong), "{text}");
    check("", WrongReturn::Empty);
    check(&text[..28], WrongReturn::Cut(24));
    check(&format!("{text} {text}"), WrongReturn::Doubled);
    check(&device.request.to_string(), WrongReturn::Other("a request code"));
    check("17488c1f", WrongReturn::Other("a confirmation code"));
    check("<a></a>", WrongReturn::Other("an authorization code"));
    let bytes = text.as_bytes();
    for at in (0..bytes.len()).filter(|&at| bytes[at] != b'-') {
        for other in *b"1AaZz9" {
            let mut changed = bytes.to_vec();
            changed[at] = other;
            if changed != bytes {
                check(std::str::from_utf8(&changed).unwrap(), WrongReturn::Mistyped);
            }
        }
        for with in (0..at).filter(|&with| bytes[with] != b'-' && bytes[with] != bytes[at]) {
            let mut changed = bytes.to_vec();
            changed.swap(at, with);
            check(std::str::from_utf8(&changed).unwrap(), WrongReturn::Mistyped);
        }
    }
}

// ---------------------------------------------------------------------- pictures

/// Reads a picture of full (`#`) and empty modules with a decoder that has nothing to do with the encoder.
fn decoded(modules: &[Vec<bool>]) -> String {
    const SCALE: usize = 4;
    let (width, height) = (modules[0].len() * SCALE, modules.len() * SCALE);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        if modules[y / SCALE][x / SCALE] { 0 } else { 255 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

/// The modules of a picture in block characters: bright on dark, two rows in each line.
fn modules_of_blocks(picture: &str) -> Vec<Vec<bool>> {
    let rows = |line: &str, upper: bool| {
        line.chars()
            .map(|c| match c {
                '█' => false,
                '▀' => !upper,
                '▄' => upper,
                _ => true,
            })
            .collect()
    };
    picture.lines().flat_map(|line| [rows(line, true), rows(line, false)]).collect()
}

#[test]
fn an_independent_decoder_reads_a_terminals_pictures_back() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let texts = [device.request.to_string(), manager.authorize(&device.request, 5).to_text()];
    for text in texts {
        let mut scanned: Vec<String> = picture::parts_of(&text, picture::TERMINAL_BYTES_MAX)
            .iter()
            .map(|part| {
                let blocks = picture::blocks(part).unwrap();
                assert!(
                    blocks.lines().all(|line| line.chars().count() <= 80),
                    "fits a terminal of 80 columns"
                );
                decoded(&modules_of_blocks(&blocks))
            })
            .collect();
        scanned.reverse();
        assert_eq!(picture::joined(scanned.iter().map(String::as_str)).unwrap(), text);
    }
}

#[test]
fn an_independent_decoder_reads_a_pages_picture_back() {
    let (manager, device) = (Manager::new(), Device::new("edb16"));
    let text = manager.authorize(&device.request, 5).to_text();
    for part in picture::parts_of(&text, picture::SCREEN_BYTES_MAX) {
        let svg = picture::svg(&part, 100).unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("<script"));
        assert_eq!(decoded(&modules_of_svg(&svg)), part);
    }
}

/// The modules of an SVG whose rows are strokes `M x y.5 h w m gap 0 h w …`.
fn modules_of_svg(svg: &str) -> Vec<Vec<bool>> {
    let between = |start: &str, end: char| {
        let at = svg.find(start).unwrap() + start.len();
        svg[at..].split(end).next().unwrap()
    };
    let count: usize = between("viewBox=\"0 0 ", ' ').parse().unwrap();
    let mut modules = vec![vec![false; count]; count];
    for row in between("stroke=\"#000\" d=\"", '"').split('M').skip(1) {
        let (start, strokes) = row.split_once('h').unwrap();
        let (x, y) = start.split_once(' ').unwrap();
        let (mut x, y): (usize, usize) = (x.parse().unwrap(), y.strip_suffix(".5").unwrap().parse().unwrap());
        for stroke in strokes.split(" 0h") {
            let (width, gap) = stroke.split_once('m').unwrap_or((stroke, "0"));
            let width: usize = width.parse().unwrap();
            modules[y][x..x + width].fill(true);
            x += width + gap.parse::<usize>().unwrap();
        }
    }
    modules
}

#[test]
fn parts_may_lose_the_spaces_around_them() {
    let text = "<displayName>UC Manager CUWL  License (12.X)</displayName>".repeat(4);
    for bytes_max in 20..text.len() {
        let parts = picture::parts_of(&text, bytes_max);
        let scanned: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
        assert_eq!(picture::joined(scanned).as_deref(), Ok(text.as_str()), "in parts of {bytes_max} bytes");
    }
}

#[test]
fn parts_are_put_together_in_any_order_and_never_mixed() {
    let text = "<specificPLR>".to_owned() + &"x".repeat(500) + "</specificPLR>";
    let parts = picture::parts_of(&text, 120);
    assert!(parts.len() > 3 && parts.iter().all(|part| part.len() <= 120));
    assert!(parts[0].starts_with(&format!("1/{}:", parts.len())));
    let joined = |parts: &[String]| picture::joined(parts.iter().map(String::as_str));
    let mut shuffled = parts.clone();
    shuffled.reverse();
    shuffled.push(parts[1].clone());
    assert_eq!(joined(&shuffled), Ok(text.clone()));
    assert_eq!(joined(&parts[1..]), Err(PictureFailed::Missing("1".into())));
    let others = picture::parts_of(&text.replace('x', "y"), 120);
    let mixed = [&parts[..2], &others[2..]].concat();
    assert_eq!(joined(&mixed), Err(PictureFailed::Mixed));
    let mut damaged = parts.clone();
    damaged[1] = damaged[1].replace("xx", "xy");
    assert_eq!(joined(&damaged), Err(PictureFailed::Damaged));
    assert_eq!(
        joined(&["SP-Zabc".to_owned()]),
        Ok("SP-Zabc".into()),
        "a picture alone holds the code as it is"
    );
    assert_eq!(joined(&["4/3:12345678:x".to_owned()]), Err(PictureFailed::NotAPart("4/3:12345678:x".into())));
}

// ---------------------------------------------------------------------- anything

fn feed(text: &str) -> Result<(), TestCaseError> {
    if let Ok(code) = text.parse::<RequestCode>() {
        prop_assert_eq!(code.to_string().parse::<RequestCode>().unwrap(), code);
    }
    if let Ok(code) = text.parse::<ReturnCode>() {
        prop_assert_eq!(code.to_string().parse::<ReturnCode>().unwrap(), code);
    }
    if let Ok(code) = text.parse::<ConfirmationCode>() {
        prop_assert_eq!(code.to_string().parse::<ConfirmationCode>().unwrap(), code);
    }
    let _ = UntrustedAuthorization::from_text(text);
    let _ = picture::joined([text]);
    let _ = picture::is_part(text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_parser_panics_on_any_text(text in "\\PC{0,200}") {
        feed(&text)?;
    }

    #[test]
    fn no_parser_panics_on_codes_that_were_hurt(
        which in 0..6_usize, at in any::<proptest::sample::Index>(), length in 0..12_usize, with in "\\PC{0,8}"
    ) {
        let (manager, device) = pair();
        let text = match which {
            0 => device.request.to_string(),
            1 => device.request.to_spoken(),
            2 => manager.authorize(&device.request, 5).to_text(),
            3 => ReturnCode::make(&device.facts(manager, 5), Returned::Whole, &device.key).unwrap().to_string(),
            4 => ConfirmationCode::make(&device.facts(manager, 5), &device.key).unwrap().to_spoken(),
            _ => picture::parts_of(&device.request.to_string(), 40)[1].clone(),
        };
        let mut characters: Vec<char> = text.chars().collect();
        let start = at.index(characters.len());
        let end = (start + length).min(characters.len());
        characters.splice(start..end, with.chars());
        feed(&characters.into_iter().collect::<String>())?;
    }
}

fn pair() -> &'static (Manager, Device) {
    static PAIR: std::sync::OnceLock<(Manager, Device)> = std::sync::OnceLock::new();
    PAIR.get_or_init(|| (Manager::new(), Device::new("edb16")))
}
