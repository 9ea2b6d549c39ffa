import { createHash } from 'node:crypto';

/** Cuts settings (Base64 of their JSON) as Terraform does: `local.pieces` in `modules/per-region/settings.tf`. */
export function pieces(text: string, length = 3_500): string[] {
  const digest = createHash('sha256').update(text).digest('hex');
  const count = Math.ceil(text.length / length);
  return Array.from(
    { length: count },
    (_, index) => `${index + 1}/${count} ${digest} ${text.slice(index * length, (index + 1) * length)}`,
  );
}
