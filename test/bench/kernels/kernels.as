// The kernels of `npm run bench fuel`, in AssemblyScript: each answers a number that depends on all of its work.

export function tightLoop(n: i32): i32 {
  let x: u32 = 1
  for (let i = 0; i < n; i++) x = (x * 1664525 + 1013904223) ^ (x >> 7)
  return x as i32
}

export function collatz(n: i32): i32 {
  let steps = 0
  for (let i = 1; i <= n; i++) {
    let v = i as u64
    while (v != 1) {
      v = v & 1 ? v * 3 + 1 : v >> 1
      steps++
    }
  }
  return steps
}

export function fib(n: i32): i32 {
  return n < 2 ? n : fib(n - 1) + fib(n - 2)
}

const words = memory.data(64 * 4)
const state = memory.data(8 * 4)
const k = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])

export function sha256(blocks: i32): i32 {
  for (let i = 0; i < 8; i++) store<u32>(state + (i << 2), load<u32>(k + (i << 2)))
  for (let b = 0; b < blocks; b++) {
    for (let i = 0; i < 16; i++) store<u32>(words + (i << 2), b * 31 + i)
    for (let i = 16; i < 64; i++) {
      const at = words + (i << 2)
      const w15 = load<u32>(at - 60)
      const w2 = load<u32>(at - 8)
      const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3)
      const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10)
      store<u32>(at, load<u32>(at - 64) + s0 + load<u32>(at - 28) + s1)
    }
    let a = load<u32>(state), bb = load<u32>(state + 4), c = load<u32>(state + 8), d = load<u32>(state + 12)
    let e = load<u32>(state + 16), f = load<u32>(state + 20), g = load<u32>(state + 24), h = load<u32>(state + 28)
    for (let i = 0; i < 64; i++) {
      const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)
      const t1 = h + s1 + ((e & f) ^ (~e & g)) + load<u32>(k + (i << 2)) + load<u32>(words + (i << 2))
      const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)
      const t2 = s0 + ((a & bb) ^ (a & c) ^ (bb & c))
      h = g; g = f; f = e; e = d + t1; d = c; c = bb; bb = a; a = t1 + t2
    }
    store<u32>(state, load<u32>(state) + a)
    store<u32>(state + 4, load<u32>(state + 4) + bb)
    store<u32>(state + 8, load<u32>(state + 8) + c)
    store<u32>(state + 12, load<u32>(state + 12) + d)
    store<u32>(state + 16, load<u32>(state + 16) + e)
    store<u32>(state + 20, load<u32>(state + 20) + f)
    store<u32>(state + 24, load<u32>(state + 24) + g)
    store<u32>(state + 28, load<u32>(state + 28) + h)
  }
  return load<u32>(state) as i32
}

const heap = memory.data(1 << 20)

function sortRange(lo: i32, hi: i32): void {
  while (lo < hi) {
    const pivot = load<i32>(heap + (((lo + hi) >> 1) << 2))
    let i = lo, j = hi
    while (i <= j) {
      while (load<i32>(heap + (i << 2)) < pivot) i++
      while (load<i32>(heap + (j << 2)) > pivot) j--
      if (i <= j) {
        const swap = load<i32>(heap + (i << 2))
        store<i32>(heap + (i << 2), load<i32>(heap + (j << 2)))
        store<i32>(heap + (j << 2), swap)
        i++
        j--
      }
    }
    sortRange(lo, j)
    lo = i
  }
}

export function quicksort(n: i32): i32 {
  let x: u32 = 7
  for (let i = 0; i < n; i++) {
    x = x * 1664525 + 1013904223
    store<i32>(heap + (i << 2), (x >> 1) as i32)
  }
  sortRange(0, n - 1)
  return load<i32>(heap + ((n >> 1) << 2))
}

export function matmul(n: i32): i32 {
  const b = heap + n * n * 8, c = b + n * n * 8
  for (let i = 0; i < n * n; i++) {
    store<f64>(heap + (i << 3), (i % 7) as f64)
    store<f64>(b + (i << 3), (i % 5) as f64)
  }
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum: f64 = 0
      for (let m = 0; m < n; m++) sum += load<f64>(heap + ((i * n + m) << 3)) * load<f64>(b + ((m * n + j) << 3))
      store<f64>(c + ((i * n + j) << 3), sum)
    }
  return load<f64>(c + ((n * n - 1) << 3)) as i32
}

export function sieve(n: i32): i32 {
  memory.fill(heap, 1, n)
  for (let i = 2; i * i < n; i++) {
    if (load<u8>(heap + i)) for (let j = i * i; j < n; j += i) store<u8>(heap + j, 0)
  }
  let count = 0
  for (let i = 2; i < n; i++) count += load<u8>(heap + i)
  return count
}

// A stack machine: opcodes of two bytes, opcode and operand.
const program = memory.data<u8>([0, 0, 1, 0, 2, 3, 3, 5, 4, 0, 5, 7, 1, 1, 6, 0, 7, 1, 8, 0, 9, 0])

export function interpreter(n: i32): i32 {
  let pc = 0, acc = 1, x = 3, steps = 0
  while (steps < n) {
    const operand = load<u8>(program + pc + 1) as i32
    switch (load<u8>(program + pc)) {
      case 0: acc += x; break
      case 1: acc ^= operand; break
      case 2: x += operand; break
      case 3: acc *= operand; break
      case 4: acc = (acc << 3) | (acc >>> 29); break
      case 5: acc -= operand; break
      case 6: x ^= acc & 15; break
      case 7: acc += load<u8>(program + (acc & 15)); break
      case 8: store<i32>(heap, acc); break
      default: pc = -2
    }
    pc += 2
    steps++
  }
  return acc ^ x
}

export function byteSum(n: i32): i32 {
  let sum = 0
  for (let i = 0; i < n; i++) sum = (sum + load<u8>(heap + (i & 0xfffff))) | 0
  return sum
}
