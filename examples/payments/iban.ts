/** IBAN check digits (ISO 7064, modulus 97). A wrong IBAN is only worth a warning: the account's bank decides. */

const form = /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/;

/** Whether the IBAN, exactly as written, has the right form and check digits. */
export function isIbanValid(iban: string): boolean {
  return form.test(iban) && remainder(iban.slice(4) + iban.slice(0, 4)) === 1;
}

/** The IBAN of a country's account number, with its check digits. */
export function ibanOf(country: string, accountNumber: string): string {
  const check = 98 - remainder(`${accountNumber}${country}00`);
  return `${country}${String(check).padStart(2, '0')}${accountNumber}`;
}

function remainder(text: string): number {
  let rest = 0;
  for (const character of text) {
    const value = Number.parseInt(character, 36);
    rest = (value < 10 ? rest * 10 + value : rest * 100 + value) % 97;
  }
  return rest;
}
