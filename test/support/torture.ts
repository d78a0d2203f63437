/** Text about whose width terminals disagree, for a node to print. */

/** Each is printed at the beginning of a line. */
const TEXTS: readonly string[] = [
  '⚡️⚠️❤️ selectors of emoji and ☎︎✔︎ of text',
  '🫠🥲🪿🫨🛜 of the last years',
  '👍🏽👩🏿👋🏻 skin tones',
  '🇩🇪🇯🇵🇺 flags, and half a one',
  '👩‍👩‍👧‍👦🧑‍💻🏳️‍🌈 joined',
  '1️⃣#️⃣ keycaps',
  'क्षत्रिय नमस्ते বাংলা',
  'สวัสดี ภาษาไทย ລາວ ខ្មែរ မြန်မာ བོད་',
  'ᄒ\u1161ᆫ\u1100\u1173ᆯ jamo, \u1161\u11a8 alone',
  '\u0903\u0301 a mark begins the line',
  '漢字かなカナ한글ｗｉｄｅ',
  'größe Ωμέγα Привет ─═┌┐ ±×÷ §¶ ambiguous',
  'e\u0301a\u0308\u0302\u0323o\u0338 marks',
  '\ue0b0\uf015\u{f0001} of private use',
  '\u2630\u268a\u4dc0\u4dff of Unicode 16',
  '\u{1f6d8}\u{1fac8}\u{16ff2}\u08ce unassigned',
  '\u{20000}\u{2f800}\u{1d400}\u{13000} other planes',
];

/** Column of the bar behind each text, from 0. */
export const BAR = 60;

/** The lines, often enough to scroll, each with a bar in {@link BAR}; some texts reach over the end of their line. */
export function torture(): string {
  const edges = ['🫠', '⚠️', '語', '🇩', '\u0903'].map((text) => `\x1b[80G${text}\x1b[A`);
  const lines = [...TEXTS, ...edges].map((text) => `${text}\x1b[${BAR + 1}G|`);
  return [...lines, ...lines, ''].join('\n');
}
