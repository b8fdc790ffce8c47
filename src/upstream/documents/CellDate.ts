/**
 * CellDate: numbers of a sheet that its format shows as dates and times.
 *
 * **Source:** ECMA-376 part 1, sections 18.8.30 (numFmt) and 18.17.4 (dates and times).
 */

/** Whether a number format shows dates: one of the built-in ones, or a code with year, month, day, hour or second. */
export const isDateFormat = (id: number, code: string | undefined): boolean =>
  code === undefined
    ? (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58)
    : /[ymdhs]/i.test(code.replaceAll(/"[^"]*"|\\.|_.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|General/gi, ""))

/** A serial number as ISO 8601: a date, a time where the day is 0, or both. What is no date stays a number. */
export const serialDate = (serial: number, from1904: boolean): string => {
  const days = Math.floor(serial)
  // Year 9999 is the last one that sheets know.
  if (!Number.isFinite(serial) || days < 0 || days > 2_958_465) return String(serial)
  const seconds = Math.round((serial - days) * 86_400)
  const time = seconds === 0 ? "" : [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(two).join(":")
  if (days === 0 && time !== "") return time
  // Day 60 of 1900 is a 29 February that never was; before it, days count from one later.
  const offset = from1904 ? 24_107 : days < 60 ? 25_568 : 25_569
  const date = civil(days - offset)
  return time === "" ? date : `${date}T${time}`
}

const two = (value: number): string => String(Math.floor(value)).padStart(2, "0")

/** The date of a day counted from 1970-01-01, in the Gregorian calendar: years begin in March, so that leap days end them. */
const civil = (day: number): string => {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1)}`
}
