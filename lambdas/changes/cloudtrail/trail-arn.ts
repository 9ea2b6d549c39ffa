import { z } from 'zod';

const pattern = /^arn:aws[a-z-]*:cloudtrail:([a-z0-9-]+):(\d{12}):trail\/[A-Za-z0-9._-]{3,128}$/;

export const trailArnSchema = z
  .string()
  .regex(pattern, 'expected the ARN of a trail: arn:aws:cloudtrail:<region>:<account>:trail/<name>');

/** Parses the ARN of a trail, or of a shadow trail, into its home region and owner account. */
export function parseTrailArn(arn: string): { region: string; account: string } {
  const [, region = '', account = ''] = pattern.exec(arn) ?? [];
  return { region, account };
}
