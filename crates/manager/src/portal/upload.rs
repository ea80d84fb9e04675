//! Forms with a file in them (`multipart/form-data`, RFC 7578), small ones: the whole body is there, and bounded.

/// The boundary that a content type names, if it is that of such a form.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = parameters.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?;
    let boundary = named.trim_matches('"');
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// The fields of a body, in their order: the text of a file like that of any other. What is no text is read as far as
/// it is one; what can't be read as a form has no fields.
pub(super) fn fields(body: &[u8], boundary: &str) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let mark = format!("\r\n--{boundary}");
    let whole = format!("\r\n{text}");
    let mut parts = whole.split(&mark);
    parts.next();
    parts.take_while(|part| !part.starts_with("--")).filter_map(field).collect()
}

fn field(part: &str) -> Option<(String, String)> {
    let (head, value) = part.split_once("\r\n\r\n")?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let named = disposition.split(';').find_map(|one| one.trim().strip_prefix("name="))?;
    Some((named.trim_matches('"').to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_a_file_is_read_as_the_browser_sends_it() {
        let kind = "multipart/form-data; boundary=----WebKitFormBoundaryAbc";
        let boundary = boundary(kind).unwrap();
        let body = "------WebKitFormBoundaryAbc\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nx y\r\n\
                    ------WebKitFormBoundaryAbc\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\nSP-Z--1\r\n--\r\n\r\n------WebKitFormBoundaryAbc--\r\n";
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fields(body.as_bytes(), boundary),
            [owned("csrf", "x y"), owned("file", "SP-Z--1\r\n--\r\n")]
        );
    }

    #[test]
    fn what_is_no_such_form_has_no_fields() {
        assert_eq!(boundary("application/x-www-form-urlencoded"), None);
        assert_eq!(boundary("multipart/form-data"), None);
        assert_eq!(boundary("multipart/form-data; boundary="), None);
        for body in
            ["", "--x", "--x\r\n\r\n", "--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--", "--x--"]
        {
            assert_eq!(fields(body.as_bytes(), "x"), [], "{body:?}");
        }
        assert_eq!(fields(&[0xff, 0xfe, b'-', b'-', b'x'], "x"), []);
    }
}
