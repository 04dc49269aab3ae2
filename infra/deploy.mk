# The deployment's targets: `make deploy STAGE=dev`. docs/deploying.md explains.
# YES=1 does not ask, ONLY=code deploys without Terraform, DATA=delete deletes tables and archive too, ARGS="..." goes to the producer and to keys.

STAGE ?= dev
DEPLOYMENT = $(BIN)/python -m infra.deploy --stage $(STAGE) $(if $(YES),--yes)

.PHONY: compact deploy settings destroy rules token test-alert smoke producer package checkov audit terraform-check

deploy: $(BIN)/.run ## to AWS: Terraform, Chalice, settings, page, smoke test (STAGE=dev)
	$(DEPLOYMENT) $(if $(filter code,$(ONLY)),--code-only) deploy

settings: $(BIN)/.run ## After a plain `chalice deploy`: mappings' settings and the gateway's answers
	$(DEPLOYMENT) settings

destroy: $(BIN)/.run ## Take the stage down; DATA=delete: tables and archive too
	$(DEPLOYMENT) $(if $(filter delete,$(DATA)),--delete-data) destroy

token: $(BIN)/.run ## A new token of the first key, printed once; other keys: ARGS="add|list|revoke ..."
ifeq ($(strip $(ARGS)),)
	@$(DEPLOYMENT) token
else
	@$(BIN)/python -m local token $(ARGS) $(if $(filter-out file default undefined,$(origin STAGE)),--stage $(STAGE))
endif

rules: $(BIN)/.run ## Rules of a file: ARGS="plan|apply|export rules.toml"; with STAGE=dev those of the stage
	@$(BIN)/python -m local rules $(or $(strip $(ARGS)),plan) $(if $(filter-out file default undefined,$(origin STAGE)),--stage $(STAGE))

test-alert: $(BIN)/.run ## A test message to all subscribers; warns of unconfirmed ones
	$(DEPLOYMENT) test-alert

smoke: $(BIN)/.run ## One tick through the deployment and back
	$(DEPLOYMENT) smoke

producer: $(BIN)/.run ## The producer with the stage's names and role (ARGS="--source yfinance")
	$(DEPLOYMENT) producer $(ARGS)

compact: $(BIN)/.run ## Finished days of the archive into Parquet, now (DATE=2026-11-20 for that day)
	@$(BIN)/python -m local compact --stage $(STAGE) $(if $(DATE),--date $(DATE))

package: $(BIN)/.run ## The Lambda packages alone, including the stage's collector, if any
	$(DEPLOYMENT) package

terraform-check: ## Terraform's format, and its own validation if the provider is installed
	@if command -v terraform >/dev/null; then terraform fmt -check -recursive infra; \
	else echo "terraform-check: skipped, there is no terraform"; fi

# checkov pins old versions of our packages, so it has its own environment.
.venv-checkov/done: requirements/checkov.txt
	@$(BIN)/python -m venv --without-pip .venv-checkov
	@if tools/install.sh .venv-checkov requirements/checkov.txt; then touch $@; \
	else echo "checkov: cannot be installed here"; fi

checkov: .venv-checkov/done ## Security lint of infra/
	@if [ -e .venv-checkov/done ]; then \
	.venv-checkov/bin/checkov -d infra --framework terraform --skip-download --compact --quiet; \
	else echo "checkov: skipped, it cannot be installed here"; fi

audit: ## Known vulnerabilities of pinned packages, if a vulnerability service answers
	@$(BIN)/python -m tools.audit
