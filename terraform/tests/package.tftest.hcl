# modules/package: reads from a package what it was built for.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "the_program_says_what_it_was_built_for" {
  module {
    source = "./modules/package"
  }

  variables {
    path         = "./tests/packages/arm64/signaling.zip"
    architecture = "arm64"
  }

  assert {
    condition     = output.built_for == "arm64" && output.problem == null && output.hash == filebase64sha256("./tests/packages/arm64/signaling.zip")
    error_message = "a good package is refused, or another one would not be noticed"
  }
}

run "a_package_for_another_architecture_is_named" {
  module {
    source = "./modules/package"
  }

  variables {
    path         = "./tests/packages/x86_64/signaling.zip"
    architecture = "arm64"
  }

  assert {
    condition     = output.built_for == "x86_64" && strcontains(output.problem, "was built for x86_64, and the function runs on arm64")
    error_message = "Lambda would take it, and fail to start it"
  }
}

run "a_package_that_cannot_be_read_is_named" {
  module {
    source = "./modules/package"
  }

  variables {
    path         = "./README.md"
    architecture = "arm64"
  }

  assert {
    condition     = output.built_for == null && strcontains(output.problem, "terraform/package.py arm64")
    error_message = "the message does not say how to pack a program"
  }
}

run "a_missing_package_is_named" {
  module {
    source = "./modules/package"
  }

  variables {
    path         = "./nowhere/signaling.zip"
    architecture = "x86_64"
  }

  assert {
    condition     = output.hash == null && strcontains(output.problem, "terraform/build x86_64")
    error_message = "the message does not say how to build it"
  }
}

run "another_architecture_than_lambda_has_is_refused" {
  command = plan

  module {
    source = "./modules/package"
  }

  variables {
    path         = "./tests/packages/arm64/signaling.zip"
    architecture = "riscv64"
  }

  expect_failures = [var.architecture]
}
