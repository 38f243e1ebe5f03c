"""Code 128 as rows of modules: sets B and C, digits in pairs where that is shorter."""

# ISO/IEC 15417: widths of bars and spaces of the values 0 to 106, the last one the stop
WIDTHS = """212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231
113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211
212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131
113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111
314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211
241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141
214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214
211232 2331112""".split()
TO_C, TO_B, START_B, START_C, STOP = 99, 100, 104, 105, 106


def values(text: str) -> list[int]:
    """Start, data, check and stop."""
    if not text or not all(32 <= ord(c) < 127 for c in text):
        raise ValueError(f"Code 128 set B cannot hold {text!r}")
    found, k, in_c = [], 0, False
    while k < len(text):
        run = len(text[k:]) - len(text[k:].lstrip("0123456789"))
        wanted = run >= 2 and (in_c or run >= 6 or (run >= 4 and (k == 0 or k + run == len(text))))
        if wanted and not in_c and run % 2 and k + run == len(text) and found:  # an odd run at the end: one digit in B first
            found.append(ord(text[k]) - 32)
            k, run = k + 1, run - 1
        if wanted != in_c or not found:
            found.append((TO_C if wanted else TO_B) if found else (START_C if wanted else START_B))
            in_c = wanted
        if in_c:
            found.append(int(text[k : k + 2]))
            k += 2
        else:
            found.append(ord(text[k]) - 32)
            k += 1
    check = (found[0] + sum(n * value for n, value in enumerate(found[1:], 1))) % 103
    return [*found, check, STOP]


def modules(text: str) -> list[int]:
    """One for each dark module, nought for each light one, without quiet zones."""
    widths = "".join(WIDTHS[value] for value in values(text))
    return [1 - n % 2 for n, width in enumerate(widths) for _ in range(int(width))]
