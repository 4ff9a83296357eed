/* Completion scripts, made from the command table. */
#pragma once

#include <stdio.h>

void completion_bash(FILE *f);
void completion_zsh(FILE *f);
void completion_fish(FILE *f);
