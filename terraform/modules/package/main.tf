# Reads a package: whether it is there, which architecture its program was built for, and the hash
# of its content.
#
# package.py stores the program without compressing it, so that its header is readable at the
# beginning of the zip. Terraform can read bytes only as base64, in which three bytes are four
# characters. The fields read here happen to begin at multiples of three:
#
#   byte 30  character 40  the name of the first file in the zip: bootstrap
#   byte 39  character 52  the beginning of an ELF program: 64 bits, little-endian
#   byte 57  character 76  the machine that it was built for, two bytes, and the 1 of ELF's version

locals {
  found   = fileexists(var.path)
  content = local.found ? filebase64(var.path) : ""
  program = "${base64encode("bootstrap")}f0VMRgIB"

  built_for = (
    try(substr(local.content, 40, 20), "") != local.program ? null :
    lookup({ twAB = "arm64", PgAB = "x86_64" }, substr(local.content, 76, 4), null)
  )

  problem = (
    !local.found ?
    "There is no package at ${var.path}. Make it with: terraform/build ${var.architecture}" :
    local.built_for == null ?
    "${var.path} does not say which architecture it was built for. Make it with terraform/build ${var.architecture}, or pack your own program with: python3 terraform/package.py ${var.architecture} PROGRAM ${var.path}" :
    local.built_for != var.architecture ?
    "${var.path} was built for ${local.built_for}, and the function runs on ${var.architecture}: it would not start. Build it with: terraform/build ${var.architecture}. Or let the function run on ${local.built_for}." :
    null
  )
}
