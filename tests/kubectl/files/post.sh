#!/bin/sh
# post.sh PATH JSON: a resource made at the other door, /v1. Says what became of it.
curl -sS -o answer.json -w '%{http_code}\n' -X POST "$CN2_API/$1" -H 'Content-Type: application/json' -d "$2"
