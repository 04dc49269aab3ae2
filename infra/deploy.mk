# The deployment's targets, such as `make deploy STAGE=dev`; see docs/deploying.md.
# YES=1: do not ask; ONLY=code: without Terraform; DATA=delete: also delete tables and archive; ARGS="...": arguments of producer, rules and token.

STAGE ?= dev
DEPLOYMENT = $(BIN)/python -m infra.deploy --stage $(STAGE) $(if $(YES),--yes)

.PHONY: compact deploy settings destroy rules token test-alert smoke producer package checkov audit terraform-check

deploy: $(BIN)/.run ## deploy to AWS: Terraform, Chalice, settings, page, smoke test (STAGE=dev)
	$(DEPLOYMENT) $(if $(filter code,$(ONLY)),--code-only) deploy

settings: $(BIN)/.run ## set mappings and the gateway's answers again, after a plain `chalice deploy`
	$(DEPLOYMENT) settings

destroy: $(BIN)/.run ## take the stage down; DATA=delete: also delete tables and archive
	$(DEPLOYMENT) $(if $(filter delete,$(DATA)),--delete-data) destroy

token: $(BIN)/.run ## make a new token of the stage's first key and print it once; its other keys: ARGS="add|list|revoke ..."
ifeq ($(strip $(ARGS)),)
	@$(DEPLOYMENT) token
else
	@$(BIN)/python -m local token $(ARGS) --stage $(STAGE)
endif

rules: $(BIN)/.run ## plan, apply or export a file of rules: ARGS="plan rules.toml"; for a stage: STAGE=dev
	@$(BIN)/python -m local rules $(or $(strip $(ARGS)),plan) $(if $(filter-out file default undefined,$(origin STAGE)),--stage $(STAGE))

test-alert: $(BIN)/.run ## send a test message to all subscribers; warns of unconfirmed ones
	$(DEPLOYMENT) test-alert

smoke: $(BIN)/.run ## send one tick through the deployment and read it back
	$(DEPLOYMENT) smoke

producer: $(BIN)/.run ## run the producer with the stage's names and role (ARGS="--source yfinance")
	$(DEPLOYMENT) producer $(ARGS)

compact: $(BIN)/.run ## compact finished days of the archive into Parquet now (DATE=2026-11-20: only that day)
	@$(BIN)/python -m local compact --stage $(STAGE) $(if $(DATE),--date $(DATE))

package: $(BIN)/.run ## build the Lambda packages, including the collector's if the stage has one
	$(DEPLOYMENT) package

terraform-check: ## check the format of the Terraform files
	@if command -v terraform >/dev/null; then terraform fmt -check -recursive infra; \
	else echo "terraform-check: skipped, terraform is not installed"; fi

# checkov pins old versions of our packages, so it has its own environment.
.venv-checkov/done: requirements/checkov.txt
	@$(BIN)/python -m venv --without-pip .venv-checkov
	@if tools/install.sh .venv-checkov requirements/checkov.txt; then touch $@; \
	else echo "checkov: cannot be installed here"; fi

checkov: .venv-checkov/done ## check the security of infra/ with checkov
	@if [ -e .venv-checkov/done ]; then \
	.venv-checkov/bin/checkov -d infra --framework terraform --skip-download --compact --quiet; \
	else echo "checkov: skipped, it cannot be installed here"; fi

audit: ## check pinned packages for known vulnerabilities, if the service answers
	@$(BIN)/python -m tools.audit
