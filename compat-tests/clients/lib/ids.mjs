// Document ids and attachment names that a path, a query or a JSON text could get wrong.

const samples = [
  'Ελληνικά', 'Кириллица', 'עברית', 'العربية', 'हिन्दी', 'ไทย', '한국어', '日本語', '中文', 'ქართული', 'አማርኛ', 'ᚠᚢᚦ', '𐌰𐌱𐌲', 'Tiếng Việt',
  '🙂', '👨‍👩‍👧‍👦', '🏳️‍🌈', 'é', 'e\u0301', 'ß', 'İi', 'ﬁ', '\u200b', '\u202e', '\uffff', '\u{10ffff}',
  'a/b', '/', 'a//b/', 'a+b', '+', 'a b', ' ', ' a ', 'a%2Fb', '%', '100%', 'a?b=c', 'a#b', 'a&b=c', 'a;b', 'a:b', 'a@b', 'a,b', 'a=b',
  '"', "'", '`', '\\', 'a\\u0041', '<b>', '{"a":1}', '[1]', 'null', 'true', '0', '1e3', '-', '~', '!', '*', '(', '|', '^', '$', '...', '.a',
  '\t', '\n', '\r\n', '\u0001', '\u007f', 'a\u0000b', 'Z', 'z', 'design', 'a_local/b', 'x'.repeat(500)
]

// ids are the samples, each behind "id " so that none is reserved.
export const ids = samples.map(text => `id ${text}`)
