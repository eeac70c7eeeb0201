/** Every way the store of secrets can fail, with what the operator can do (spec tools 5). */
export const secretErrorRemedies = {
  'secret.bad_name': 'Use 1 to 128 letters, digits, "_", "." or "-".',
  'secret.bad_value': 'Give a value of 6 bytes to 64 KiB; shorter ones would be found everywhere.',
  'secret.unknown': 'Choose a secret from the list.',
  'secret.unwritable': 'Make room on the disk, or make the state directory writable.',
  'secret.unreadable': 'Check the permissions of the file in the state directory.',
  'secret.store_damaged':
    'Put a good copy in its place, or set the secrets again; then remove the damaged file, which was kept beside it.',
  'secret.store_newer': 'Use the version of Paddock that wrote the file, or a newer one.',
  'secret.wrong_key': 'Use the key file and the secrets of the same state directory; nothing was changed.',
  'secret.key_missing':
    'Put the key file back; without it the secrets cannot be opened. To begin anew, move the secrets away.',
  'secret.key_damaged': 'Put a good copy of the key file back; nothing was changed.',
  'secret.other_protection':
    'Start as before: with the passphrase where one protects the key, without where the keychain does.',
  'secret.keychain_unavailable':
    'Unlock or install a keychain (on Linux a secret service), or name a passphrase file.',
  'secret.wrong_passphrase': 'Name the file with the passphrase that the store was made with.',
  'secret.weak_passphrase': 'Use a passphrase of 8 characters or more.',
  'secret.no_key':
    'Name a passphrase file in PADDOCK_SECRETS_PASSPHRASE_FILE, or unlock the keychain, and start again.',
} as const
