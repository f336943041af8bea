;; A guest that calls the host in loops. `run` takes a text; its length says which loop: 1 scalar, 2 suspended, 3 forward.
(component
  (import "pie:bench/host@0.1.0" (instance $host
    (export "scalar" (func (param "a" u32) (param "b" u32) (result u32)))
    (export "suspended" (func (param "a" u32) (result u32)))
    (export "context" (type $context (sub resource)))
    (export "[constructor]context" (func (result (own $context))))
    (type $error' (record (field "code" string) (field "message" string)))
    (export "error" (type $error (eq $error')))
    (type $sampler' (record (field "temperature" f32) (field "top-k" u32) (field "top-p" f32) (field "min-p" f32) (field "seed" u64)))
    (export "sampler" (type $sampler (eq $sampler')))
    (type $probe' (variant (case "sample" $sampler) (case "distribution" (tuple f32 u32)) (case "logits")
      (case "logprobs" (list u32)) (case "entropy")))
    (export "probe" (type $probe (eq $probe')))
    (type $slot' (record (field "index" u32) (field "probe" $probe)))
    (export "slot" (type $slot (eq $slot')))
    (type $pass' (record (field "tokens" (list u32)) (field "positions" (list u32)) (field "attention-mask" (list (list u32)))
      (field "logit-mask" (list u32)) (field "slots" (list $slot)) (field "commit" bool)))
    (export "pass" (type $pass (eq $pass')))
    (type $reading' (variant (case "token" u32) (case "distribution" (tuple (list u32) (list f32))) (case "logits" (list u8))
      (case "logprobs" (list f32)) (case "entropy" f32)))
    (export "reading" (type $reading (eq $reading')))
    (export "forward" (func (param "context" (borrow $context)) (param "pass" $pass)
      (result (result (list $reading) (error $error)))))))

  (core module $memory
    (memory (export "memory") 1)
    (global $top (export "top") (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.get $top)
      (global.set $top (i32.add (global.get $top) (local.get $size)))))
  (core instance $m (instantiate $memory))

  (alias export $host "context" (type $context))
  (core func $scalar (canon lower (func $host "scalar")))
  (core func $suspended (canon lower (func $host "suspended")))
  (core func $new (canon lower (func $host "[constructor]context")))
  (core func $forward (canon lower (func $host "forward") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))

  (core module $guest
    (import "m" "memory" (memory 1))
    (import "m" "top" (global $top (mut i32)))
    (import "host" "scalar" (func $scalar (param i32 i32) (result i32)))
    (import "host" "suspended" (func $suspended (param i32) (result i32)))
    (import "host" "new" (func $new (result i32)))
    (import "host" "forward" (func $forward (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (global $count i32 (i32.const 10000))

    (func $scalars (local $i i32)
      (loop $next
        (local.set $i (call $scalar (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (global.get $count)))))

    (func $suspensions (local $i i32)
      (loop $next
        (local.set $i (call $suspended (local.get $i)))
        (br_if $next (i32.lt_u (local.get $i) (global.get $count)))))

    ;; 32 tokens and positions at 0 and 128; one slot at 256: index 31, sample(temperature 1.0, …, seed 7); the answer at 512.
    (func $forwards (local $i i32) (local $context i32)
      (local.set $context (call $new))
      (loop $fill
        (i32.store (i32.mul (local.get $i) (i32.const 4)) (local.get $i))
        (i32.store offset=128 (i32.mul (local.get $i) (i32.const 4)) (local.get $i))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $fill (i32.lt_u (local.get $i) (i32.const 32))))
      (i32.store (i32.const 256) (i32.const 31))
      (f32.store (i32.const 272) (f32.const 1))
      (i64.store (i32.const 288) (i64.const 7))
      (local.set $i (i32.const 0))
      (loop $next
        (global.set $top (i32.const 4096))
        (call $forward (local.get $context) (i32.const 0) (i32.const 32) (i32.const 128) (i32.const 32) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 256) (i32.const 1) (i32.const 1) (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then (unreachable)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $i) (global.get $count)))))

    (func (export "run") (param $text i32) (param $size i32) (result i32)
      (if (i32.eq (local.get $size) (i32.const 1)) (then (call $scalars)))
      (if (i32.eq (local.get $size) (i32.const 2)) (then (call $suspensions)))
      (if (i32.eq (local.get $size) (i32.const 3)) (then (call $forwards)))
      (i64.store (i32.const 1024) (i64.const 0))
      (i32.store (i32.const 1032) (i32.const 0))
      (i32.const 1024)))
  (core instance $g (instantiate $guest
    (with "m" (instance $m))
    (with "host" (instance
      (export "scalar" (func $scalar)) (export "suspended" (func $suspended)) (export "new" (func $new)) (export "forward" (func $forward))))))

  (func $run (param "input" string) (result (result string (error string)))
    (canon lift (core func $g "run") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
  (instance $exports (export "run" (func $run)))
  (export "pie:bench/run@0.1.0" (instance $exports)))
