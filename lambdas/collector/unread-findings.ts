import type { MayBe } from './finding-reader.ts';
import type { ListedFinding } from './listing.ts';

/** The findings to which unreadable items may refer, and which the source may therefore still report. */
export class UnreadFindings {
  readonly #accounts = new Set<string>();
  readonly #resources = new Set<string>();
  #mayBeAny = false;

  /** Adds the findings to which one item may refer. */
  add(mayBe: MayBe): void {
    if (mayBe === 'none') return;
    const { account, resource } = mayBe;
    if (account === undefined) this.#mayBeAny = true;
    else if (resource === undefined) this.#accounts.add(account);
    else this.#resources.add(`${account} ${resource}`);
  }

  /** Returns true if any of the items may refer to the finding. */
  mayHave({ account, resource }: ListedFinding): boolean {
    return this.#mayBeAny || this.#accounts.has(account) || this.#resources.has(`${account} ${resource}`);
  }
}
