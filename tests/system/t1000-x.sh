. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/workstation.sh"
lab_start
lab_tool put-job
lab_printer mfp --rich
lab_pdf "$LAB/a.pdf" -n 3 -t alpha >"$LAB/a.sha"
ws_conf office "$(printer_uri mfp)"
lab_daemon
wait_for 5 test -e $LAB/spool/intake.pub; ls -laR $LAB/spool
setpriv --reuid lp --regid stillprint --clear-groups $LAB_TOOLS/put-job $LAB/spool $LAB/a.pdf pages=3
check "a document comes out" wait_for 10 has_prints mfp 1
check "done" wait_for 10 job_is 1 completed
cat $LAB/log/stillprintd* | tail -30
store_sql .dump | tail -60
plan_done
