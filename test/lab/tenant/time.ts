/** A time in Netskope's form, in GMT: `2020-02-12 02:30:17AM`. */
export function formatTenantTime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = date.getUTCHours();
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  const time = `${two(hours % 12 || 12)}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${time}${hours < 12 ? 'AM' : 'PM'}`;
}
