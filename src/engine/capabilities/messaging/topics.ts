/** Content topics and which of them a module may use (spec nexum-host 8.10). */

/** Whether the text is `/application/version/name/encoding`: no blanks, at most 256 bytes of UTF-8. */
export function isContentTopic(text: string): boolean {
  return text.length <= 256 && /^(?:\/[^/\s]+){4}$/.test(text) && Buffer.byteLength(text) <= 256
}

/** Whether a topic is among those granted: each an exact topic, or one with a trailing `*`; null grants any. */
export function isTopicGranted(topic: string, granted: readonly string[] | null): boolean {
  if (granted === null) return true
  return granted.some((each) => (each.endsWith('*') ? topic.startsWith(each.slice(0, -1)) : each === topic))
}
