//! What publishers write, and what is made of it.

use super::{html, made};

/// Holds what is made of some HTML against what should be.
fn becomes(cases: &[(&str, &str)]) {
    for (body, expected) in cases {
        assert_eq!(html(body), *expected, "of {body}");
    }
}

#[test]
fn lazy_pictures_get_their_real_source() {
    let seen = "<img src=\"https://example.org/r.jpg\">";
    for lazy in [
        "<img src='data:image/gif;base64,R0lGOD' data-src='/r.jpg'>",
        "<img src='/img/placeholder.png' data-original='/r.jpg'>",
        "<img data-lazy-src='/r.jpg'>",
        "<img src='/blank.gif' data-srcset='/s.jpg 300w, /r.jpg 1280w, /l.jpg 3000w'>",
        "<img src='/s.jpg' srcset='/s.jpg 300w, /r.jpg 1024w'>",
        "<picture><source srcset='/r.avif' type='image/avif'><source srcset='/r.jpg' type='image/jpeg'><img></picture>",
        "<img src='data:image/gif;base64,R0lGOD'><noscript><img src='/r.jpg'></noscript>",
        "<img src='data:image/gif;base64,R0lGOD' data-src='/r.jpg'><noscript><img src='/other.jpg'></noscript>",
        "<noscript><img src='/other.jpg'></noscript>\n<img class=lazy data-src='/r.jpg'>",
        "<img src='/r.jpg' width=1200 height=800 loading=lazy sizes='100vw' style='border:0' class='x' id='y'>",
    ] {
        assert_eq!(html(lazy).trim(), seen, "of {lazy}");
    }
    becomes(&[("<img src=/r.jpg width=300>", "<img src=\"https://example.org/r.jpg\" width=\"300\">")]);
}

#[test]
fn what_counts_readers_goes() {
    becomes(&[
        ("<p>a<img src='https://x.example/p' width=1 height=1></p>", "<p>a</p>"),
        ("<p>a<img src='https://x.example/p' style='display: none'></p>", "<p>a</p>"),
        ("<p>a</p><img src='https://pixel.wp.com/b.gif?host=x'>", "<p>a</p>"),
        ("<p>a</p><a href='http://feeds.feedburner.com/~ff/x'><img src='http://feeds.feedburner.com/~ff/x?d=y'></a>", "<p>a</p>"),
        ("<a href='/a?utm_source=rss&b=1&utm_medium=x'>a</a>", "<a href=\"https://example.org/a?b=1\">a</a>"),
    ]);
}

#[test]
fn what_no_mail_plays_becomes_a_link_with_a_name() {
    becomes(&[
        (
            "<div><iframe src='https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?rel=0' title='A song'></iframe></div>",
            "<p><a href=\"https://www.youtube.com/watch?v=dQw4w9WgXcQ\"><img src=\"https://i.ytimg.com/vi/dQw4w9WgXcQ/hqdefault.jpg\" alt=\"\"><br>▶ Video: A song (YouTube)</a></p>",
        ),
        ("<iframe src='//player.vimeo.com/video/12?h=x'></iframe>", "<p><a href=\"https://vimeo.com/12\">▶ Video: Vimeo</a></p>"),
        (
            "<p>Hear <audio controls><source src='/e/1.mp3'></audio></p>",
            "<p>Hear <a href=\"https://example.org/e/1.mp3\">▶ Audio: 1.mp3</a></p>",
        ),
        (
            "<video poster='/p.jpg' src='/v.mp4'>Your browser is old</video>",
            "<p><a href=\"https://example.org/v.mp4\"><img src=\"https://example.org/p.jpg\" alt=\"\"><br>▶ Video: v.mp4</a></p>",
        ),
        (
            "<iframe src='https://codepen.io/x/embed/y'></iframe>",
            "<p><a href=\"https://codepen.io/x/embed/y\">Embedded: CodePen</a></p>",
        ),
        (
            "<object data='/a.pdf'><p>Get <a href='/a.pdf'>it</a></p></object>",
            "<p><a href=\"https://example.org/a.pdf\">Embedded: example.org</a></p>",
        ),
        ("<iframe src='javascript:x()'></iframe>", ""),
    ]);
}

#[test]
fn code_is_as_it_was_written() {
    let gutter = "<figure class=highlight><table><tr><td class=gutter><pre>1\n2\n</pre></td><td class=code><pre><span class=k>let</span> x;\n  y</pre></td></tr></table></figure>";
    let rows = "<table class=blob><tr><td class='blob-num' data-line-number=1></td><td class=blob-code>a  b</td></tr><tr><td class=blob-num data-line-number=2></td><td class=blob-code> c</td></tr></table>";
    becomes(&[
        (gutter, "<figure><pre>let x;\n  y</pre></figure>"),
        (rows, "<pre>a  b\n c\n</pre>"),
        ("<pre><code class='language-rust'>\nfn a()<br>{ }\n</code></pre>", "<pre><code>\nfn a()\n{ }\n</code></pre>"),
        ("<pre><span class=lineno>1 </span>a\n<span class=lineno>2 </span>b</pre>", "<pre>a\nb</pre>"),
        ("<p>Use <tt>a  b</tt> or <code>c</code></p>", "<p>Use <code>a b</code> or <code>c</code></p>"),
    ]);
}

#[test]
fn formulas_and_drawings_are_their_text() {
    becomes(&[
        ("<p><math alttext='x^2'><mi>x</mi></math></p>", "<p>x^2</p>"),
        ("<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x_1</annotation></semantics></math>", "x_1"),
        ("<math><mi>x</mi><mo>+</mo><mn>1</mn></math>", "x+1"),
        (
            "<span class=katex><span class=katex-mathml><math alttext='y'></math></span><span class=katex-html>yy</span></span>",
            "y",
        ),
        ("<p>a<svg><title>A chart</title><text>1</text></svg></p>", "<p>aA chart</p>"),
        ("<svg><path d='M0 0'/></svg>", ""),
        ("<p><script type='math/tex'>z</script></p>", "<p>z</p>"),
    ]);
}

#[test]
fn notes_lead_to_the_page_and_the_way_back_goes() {
    becomes(&[
        ("<p>a<sup><a href='#fn1'>1</a></sup></p>", "<p>a<sup><a href=\"https://example.org/posts/1#fn1\">1</a></sup></p>"),
        ("<ol><li id=fn1><p>Note <a href='#r1'>↩</a></p></li></ol>", "<ol><li><p>Note </p></li></ol>"),
        ("<a name=x></a><h2 id=x>a</h2>", "<h2>a</h2>"),
    ]);
}

#[test]
fn wrappers_and_the_feeds_own_looks_go() {
    becomes(&[
        ("<div><div class=x><font color=white>a</font></div></div>", "a"),
        ("<section><article><p style='color:red'>a</p></article></section>", "<p>a</p>"),
        ("<p></p><p>&nbsp;</p><p><br></p><div><span> </span></div><p>a</p>", "<p>a</p>"),
        ("<details><summary>More</summary><p>b</p></details>", "<p><strong>More</strong></p><p>b</p>"),
        ("<table><tr><td><p>a</p></td></tr><tr><td>b</td></tr></table>", "<p>a</p><div>b</div>"),
        (
            "<table><tr><th>a<th>b<tr><td>1<td>2</table>",
            "<table><tbody><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></tbody></table>",
        ),
        ("<p dir=RTL lang=ar onclick=x>a</p>", "<p dir=\"rtl\" lang=\"ar\">a</p>"),
        ("<ul><li><input type=checkbox checked>a<li><input type=checkbox>b</ul>", "<ul><li>[x] a</li><li>[ ] b</li></ul>"),
        ("<form><input name=q><button>Go</button><label>Name</label></form>", "Name"),
    ]);
}

#[test]
fn signs_that_a_page_shows_as_pictures_are_signs() {
    becomes(&[("<p>Yes <img class=emoji alt='🎉' src='https://s.example/1.svg'></p>", "<p>Yes 🎉</p>")]);
    assert_eq!(made("<p>a<img src=b.png alt='a cat' title='says why'></p>").text, "a [image: a cat (says why)]");
}
