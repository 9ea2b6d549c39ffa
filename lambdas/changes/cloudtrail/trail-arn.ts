import { z } from 'zod';

const pattern = /^arn:aws[a-z-]*:cloudtrail:([a-z0-9-]+):(\d{12}):trail\/[A-Za-z0-9._-]{3,128}$/;

export const trailArnSchema = z
  .string()
  .regex(pattern, 'expected the ARN of a trail: arn:aws:cloudtrail:<region>:<account>:trail/<name>');

/** Parses a trail's ARN into its home region and owner account, also for shadow trails. */
export function parseTrailArn(arn: string): { region: string; account: string } {
  const [, region = '', account = ''] = pattern.exec(arn) ?? [];
  return { region, account };
}
