/** A service's answer over HTTP. */
export interface AwsAnswer {
  readonly status: number;
  /** Names in lower case, without the length of the body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export function bodyText(answer: AwsAnswer): string {
  return answer.body.toString('utf8');
}

/** A copy of an answer with another body. */
export function withBody(answer: AwsAnswer, body: string): AwsAnswer {
  return { ...answer, body: Buffer.from(body) };
}
