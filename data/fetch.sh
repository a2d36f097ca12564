#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The data sets of tests/bench/RESULTS.md: where they come from, on what terms, and how they become dataset files.
set -euo pipefail
readonly SELF=data/fetch.sh
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

readonly NAMES=(ml-1m ml-100k ml-20m ml-25m ml-32m filmtrust votes epinions epinions-5core kuairec kuairand
  amazon-music amazon-beauty amazon-books yelp-hin movietweetings netflix)
readonly SIGFORMER=https://github.com/StupidThree/SIGformer/raw/ef1baa9dfb3bf46da45dc0453ddc5aaa80420cd3/data
readonly SIREN_RECO=https://github.com/cw-seo/SiReN-reco/raw/eab6aaba5247bfd18ffa15f22bb3428505436041
readonly NFAREC=https://github.com/WangXFng/NFARec/raw/889ed67a5334de7be87499077302ebfa336343bc
readonly HIN=https://github.com/librahu/HIN-Datasets-for-Recommendation-and-Network-Embedding
readonly BIPARTITE=https://github.com/tylersnetwork/signed_bipartite_networks
readonly TWEETS=https://github.com/sidooms/MovieTweetings
readonly CONSISREC=https://github.com/YangLiangwei/ConsisRec
readonly GROUPLENS=https://files.grouplens.org/datasets/movielens
readonly GROUPLENS_TERMS='Research only: no endorsement may be implied, the use must be acknowledged in publications, the
data may not be redistributed, nor used for revenue, without permission. The README in the archive has the full text.'
readonly DRAWN=(--split random --test-share .2 --valid-share .1 --seed 7)

usage() {
  cat <<'TEXT'
usage: data/fetch.sh [--list]                     the data sets
       data/fetch.sh --print NAME                 source, terms of use, files and the siren prepare line
       data/fetch.sh [--yes] NAME [DIR]           downloads to DIR/NAME/ and makes DIR/NAME.h5
       data/fetch.sh --local FOLDER NAME [DIR]    makes DIR/NAME.h5 from files that are there
       data/fetch.sh --help                       this text
DIR is the working directory unless given. Terms of use are shown before anything is downloaded, and must be agreed to:
at the terminal or by --yes. --local looks for the files of --print, plain or .gz, in FOLDER and where the source
keeps them below it. The program is $SIREN, else siren on the PATH, else build/release/siren. Downloads need curl or
wget, MovieLens unzip.
Known checksums are compared: of a download a wrong one is an error, with --local a warning. So is, for the files that
the tables of tests/bench/RESULTS.md were made from, another content hash than theirs.
No download was tried when this was written, for there was no network: addresses may have changed. --local was.
TEXT
}

fail() {
  echo "$SELF: $*" >&2
  exit 2
}

stop() {
  echo "$SELF: $*" >&2
  exit 1
}

# Sets what is known of a data set:
#   title, home, terms, note
#   downloads  "FILE ADDRESS CHECKSUM" each; CHECKSUM is sha256:X, md5:X or - (not known)
#   members    of the one download, a .zip: what to take out of it
#   by_hand    files that only a person can download, from home
#   from       "FILE:WAY" if FILE must first be made of by_hand's files
#   places     below FOLDER, where --local looks besides; aliases: other names of a data set's only file
#   line       words of siren prepare; a word @FILE stands for the path of FILE
#   hash       content hash of the dataset file behind our tables
describe() {
  title='' home='' terms='' note='' from='' hash='' downloads=() members=() by_hand=() places=() aliases=() line=()
  case $1 in
    ml-1m)
      title='MovieLens-1M, the five folds of the SiReN authors'
      home=https://github.com/cw-seo/SiReN-reco
      terms="The repository states none; the ratings are GroupLens'. $GROUPLENS_TERMS"
      downloads=(
        "test_1m1.dat $SIREN_RECO/ml-1m/test_1m1.dat sha256:0ceed1eae31fa0f3dd8bea5209336b7b9456830ef26ae8f74a39f3b9b64a5268"
        "test_1m2.dat $SIREN_RECO/ml-1m/test_1m2.dat sha256:92b945ad0ed8e8b0cefd8bced7f7e112147965d40385d75cb33182c0cfbd6dd5"
        "test_1m3.dat $SIREN_RECO/ml-1m/test_1m3.dat sha256:bc0e086ea8eb19b6fe301dc5e10abb30549191827cc439cb8148dbff206d5da0"
        "test_1m4.dat $SIREN_RECO/ml-1m/test_1m4.dat sha256:ac94bfcdaecb002b545b9815e2360ad5bb4d3d1a2ef608e7b7e05ceb043a0113"
        "test_1m5.dat $SIREN_RECO/ml-1m/test_1m5.dat sha256:619d54e035569f3ba67b4b9b8e580cef3d773ad2b6d99eecc2483e631334a55d")
      places=(ml-1m)
      line=(--fold-file @test_1m1.dat --fold-file @test_1m2.dat --fold-file @test_1m3.dat --fold-file @test_1m4.dat
        --fold-file @test_1m5.dat)
      hash=dfb9e85e93f4e4c3bdfdf462c46630b1
      ;;
    ml-100k)
      title="MovieLens-100K, GroupLens' own five folds u1 to u5"
      home=https://grouplens.org/datasets/movielens/100k
      terms=$GROUPLENS_TERMS
      downloads=("ml-100k.zip $GROUPLENS/ml-100k.zip md5:0e33842e24a9c977be4e0107933c0723")
      members=(ml-100k/u1.test ml-100k/u2.test ml-100k/u3.test ml-100k/u4.test ml-100k/u5.test ml-100k/README)
      places=(ml-100k)
      line=(--fold-file @u1.test --fold-file @u2.test --fold-file @u3.test --fold-file @u4.test --fold-file @u5.test)
      hash=2d1457b361c1e14a4f0cbe91049e86b8
      ;;
    ml-20m | ml-25m | ml-32m)
      title="MovieLens-${1:3:2}M, drawn 70/10/20"
      home=https://grouplens.org/datasets/movielens
      terms=$GROUPLENS_TERMS
      case $1 in
        ml-20m) downloads=("$1.zip $GROUPLENS/$1.zip md5:cd245b17a1ae2cc31bb14903e1204af3") ;;
        ml-25m) downloads=("$1.zip $GROUPLENS/$1.zip md5:6b51fb2759a8657d3bfcbfc42b592ada") ;;
        ml-32m) downloads=("$1.zip $GROUPLENS/$1.zip md5:d472be332d4daa821edc399621853b57") ;;
      esac
      members=("$1/ratings.csv" "$1/README.txt")
      places=("$1")
      note='Half stars: ratings of 3.5 are neither liked nor disliked. No table of ours has this set.'
      line=(--input @ratings.csv --offset 3.5 "${DRAWN[@]}")
      ;;
    filmtrust)
      title='FilmTrust, drawn 70/10/20'
      home=$CONSISREC
      terms='The repository states none. Its authors (Guo, Zhang, Yorke-Smith, IJCAI 2013) ask to be cited.'
      downloads=("ratings.txt $CONSISREC/raw/d1fba6e/data/filmtrust/ratings.txt sha256:241167424e24d588e8871d68641e94ead98d5b3a4f0db01ef3181a74ad35e7a1")
      places=(filmtrust data/filmtrust)
      note='Half stars from 0.5 to 4.'
      line=(--input @ratings.txt --offset 2.75 "${DRAWN[@]}")
      hash=3d14fb67d39969e8b66ac6d8e876fba9
      ;;
    votes)
      title='US House votes, drawn 70/10/20'
      home=$BIPARTITE
      terms='MIT licence. Its authors (Derr, Johnson, Chang, Tang, CIKM 2019) ask to be cited.'
      downloads=("house1to10.txt $BIPARTITE/raw/3fceafe6894a73e2b1c71c77ba4dfffa16340fe1/data/house1to10_cikm2019_balance_in_signed_bipartite_networks.txt sha256:097b498f25f49dfa19e169d1aff20dac7b8569b994d6426b42a15fed34274089")
      places=(signed-votes data)
      aliases=(house1to10_cikm2019_balance_in_signed_bipartite_networks.txt)
      note='The first line holds counts; votes are 1 and -1.'
      line=(--input @house1to10.txt --offset 0 --skip-lines 1 "${DRAWN[@]}")
      hash=324d77f48d9e2b7478cdc65155e6f1c8
      ;;
    epinions)
      title="Epinions, SIGformer's three parts"
      sigformer epinions aec9223f871008796059dd9601e6a8ccf0a5752a3f84ec261b5546af13566043 \
        01162fc4b545a625e40f60339121178f75392d8d7f568906c35d852052e57638 \
        5fa19141b894221eadefd5fbdb6c0e020dd68317c49f39db8c8c0bba07018f03
      hash=38894e246fce6ed3d318d29245ca0457
      ;;
    kuairec)
      title="KuaiRec, SIGformer's three parts"
      sigformer KuaiRec 37ac19eb3ac00182a2b436d51f7d0c20f0c07f4f3d7172685b30619cb4bc11ea \
        6cba17ca5dcc033f91466ffccbc7096471a1ac63e128e4b6ca925a8accdaa25b \
        eb7a5eb4b6f17d1325fe05f046f6204fae5a3f9fbf39022ce72fd32e5e4282a8
      terms+=' KuaiRec itself is under CC BY-SA 4.0.'
      note='1 is a video that was watched long enough, 0 one that was not.'
      line+=(--offset .5)
      hash=47b86aaebc469217a279e3d619d181a1
      ;;
    kuairand)
      title="KuaiRand, SIGformer's three parts"
      sigformer KuaiRand 2465b4033e2f0740de82c8bf61a6cc6e20c9c4d0d8ae8d72ed7760e5b7af2d24 \
        5f901b9da01e639d2cd7709bf7a1fe1b1843b6986a0b2e4dbf44ee2d55929154 \
        fb0234e9bdeae98b6f8bace129c96961f083b4dd77f05db2862fef6e47c34563
      terms+=' KuaiRand has a licence of its own: see kuairand.com.'
      note='1 is a click, 0 a video shown and not clicked. 2,263 pairs are in both train and test.'
      line+=(--offset .5)
      hash=9996e3ac0f6985be34eb4cfe0aba812f
      ;;
    amazon-music)
      title="Amazon-Music, SIGformer's three parts"
      sigformer amazon-music a495dc54a11a4a5d31d065f0dd25055b96d921a9e737c89f634bf3b875247397 \
        e9c1585af45827ef4b5e9d351b3523785e62694440678f0c0ada8ae1b3298c92 \
        b60f7fd415fe27aa24a62313f4602f3551bb9480f7bbea479f0fa9307dcd8669
      terms+=" Derived from McAuley's Amazon reviews: research use, with citation."
      hash=1345a7f01997b6d8e698aac7bc59f7bd
      ;;
    amazon-beauty)
      title="Amazon-Beauty 5-core, NFARec's three parts"
      home=https://github.com/WangXFng/NFARec
      terms="The repository states none. Derived from McAuley's Amazon reviews: research use, with citation."
      downloads=(
        "Beauty_train.txt $NFAREC/data/Beauty/Beauty_train.txt sha256:ad6417b501d9e9c1b64ba23b78a1a191775037da5c61493d9bff782447a849d4"
        "Beauty_tune.txt $NFAREC/data/Beauty/Beauty_tune.txt sha256:f3e01f019754ec36a9dc05c3d33116cb09f90553e38fdf030fe12fe4b175e254"
        "Beauty_test.txt $NFAREC/data/Beauty/Beauty_test.txt sha256:d01c1ece8bafd5ca14a68b4ffd5d96768209f9e9f5428d6e6150abf70b1fd623")
      places=(amazon-beauty data/Beauty)
      line=(--train @Beauty_train.txt --valid @Beauty_tune.txt --test @Beauty_test.txt)
      hash=23fe0ca0d4e3e152d4189c7bc02d838a
      ;;
    yelp-hin)
      title='Yelp, of the HIN collection, drawn 70/10/20'
      home=$HIN
      terms="The repository states none. Yelp's data set terms hold for the ratings: academic use, no redistribution."
      downloads=("user_business.dat $HIN/raw/cc05c484b628b08237f0a876fcebf99d736ccbea/Yelp/user_business.dat sha256:d57853e95c3f49f0060f31ee9365ab3fffe1010999c76863c3cd9628b91e994d")
      places=(yelp-hin Yelp)
      line=(--input @user_business.dat "${DRAWN[@]}")
      hash=7d3388d1106637039928c6622ac129d1
      ;;
    movietweetings)
      title='MovieTweetings, snapshot of 100,000, drawn 70/10/20'
      home=$TWEETS
      terms='MIT licence. Its authors (Dooms, De Pessemier, Martens, CrowdRec 2013) ask to be cited.'
      downloads=("ratings.dat $TWEETS/raw/4d8280a3f1ea83e3e23f13d1710d19f43564274f/snapshots/100K/ratings.dat sha256:c0dd868c2632d10002ebc928ddc5345f33adeaa59eca52c2941c26a2c5e36fd6")
      places=(movietweetings-100k snapshots/100K)
      note='Ratings from 0 to 10.'
      line=(--input @ratings.dat --offset 6.5 "${DRAWN[@]}")
      hash=1b87ab65f388404e2f75a880ababbaf1
      ;;
    epinions-5core)
      title='Epinions, the whole crawl, its 5-core in five folds'
      home=$CONSISREC
      terms='The repository states none. The authors ask to cite Tang, Gao, Liu (WSDM 2012) and Tang et al. (KDD 2012).'
      downloads=("rating.mat $CONSISREC/raw/d1fba6e/data/epinions/rating.mat -")
      from=ratings.tsv:matrix
      places=(epinions data/epinions)
      note="rating.mat is turned into ratings.tsv (user, item, rating, category) by Python with SciPy; that step was not
run here, for rating.mat is not here, and its checksum is not known."
      line=(--input @ratings.tsv --columns '1,2,3' --min-user-ratings 5 --min-item-ratings 5 --split kfold --folds 5
        --valid-share .1)
      hash=af517f490b4a5b32b84bd752cd9fa5aa
      ;;
    amazon-books)
      title='Amazon-Books, ratings only, 20-core, drawn 70/10/20'
      home=https://cseweb.ucsd.edu/~jmcauley/datasets.html
      terms='Stated on that page, with the papers to cite.'
      by_hand=(ratings_Books.csv)
      places=(amazon-books)
      note="The 'ratings only' file of the category Books: user, item, rating, time. The file that SiReN's paper calls
Amazon-Book (35,736 users, 38,121 items) is not in its authors' repository; this is another one. No table of ours has it."
      line=(--input @ratings_Books.csv --header no --columns '1,2,3,4' --min-user-ratings 20 --min-item-ratings 20
        "${DRAWN[@]}")
      ;;
    netflix)
      title='Netflix Prize, drawn 70/10/20'
      home=https://www.kaggle.com/datasets/netflix-inc/netflix-prize-data
      terms='Netflix does not offer the data any more; the copy at Kaggle needs an account there. The README of the set allows
research use with acknowledgement, and neither redistribution nor revenue; it has the full text.'
      by_hand=(combined_data_1.txt combined_data_2.txt combined_data_3.txt combined_data_4.txt)
      from=ratings.csv:netflix
      places=(netflix)
      note='The four files are turned into ratings.csv (user, item, rating, date). prepare holds all 100 million ratings in
memory. No table of ours has this set.'
      line=(--input @ratings.csv --header no --columns '1,2,3,4' "${DRAWN[@]}")
      ;;
    *) fail "no data set is called '$1'; see $SELF --list" ;;
  esac
  line+=(--duplicates last)
}

# sigformer FOLDER SHA256-OF-TEST SHA256-OF-TRAIN SHA256-OF-VALID
sigformer() {
  home=https://github.com/StupidThree/SIGformer
  terms='The repository states none.'
  downloads=("train.txt $SIGFORMER/$1/train.txt sha256:$3" "valid.txt $SIGFORMER/$1/valid.txt sha256:$4"
    "test.txt $SIGFORMER/$1/test.txt sha256:$2")
  places=("sigformer-${1,,}" "data/$1")
  line=(--train @train.txt --valid @valid.txt --test @test.txt)
}

# ---- what is known

# command PREFIX NAME: the siren prepare line with files in PREFIX
command_line() {
  local word words=(siren prepare)
  for word in "${line[@]}"; do words+=("${word/#@/$1}"); done
  echo "${words[*]} --output $2.h5"
}

list() {
  local name
  printf '%-15s %-11s %s\n' name download 'what it is'
  for name in "${NAMES[@]}"; do
    describe "$name"
    printf '%-15s %-11s %s\n' "$name" "$([ ${#by_hand[@]} = 0 ] && echo 'by script' || echo 'by hand')" "$title"
  done
}

show_source() {
  printf '%s: %s\nhome     %s\nterms    %s\n' "$1" "$title" "$home" "${terms//$'\n'/$'\n'         }"
  [ -z "$note" ] || printf 'note     %s\n' "${note//$'\n'/$'\n'         }"
}

show() {
  local entry file address sum
  show_source "$1"
  for entry in "${downloads[@]}"; do
    read -r file address sum <<<"$entry"
    printf 'file     %s  %s\n         %s\n' "$file" "$([ "$sum" = - ] && echo '(checksum not known)' || echo "$sum")" "$address"
  done
  for entry in "${by_hand[@]}"; do printf 'file     %s  (to be downloaded by hand; checksum not known)\n' "$entry"; done
  [ -z "$hash" ] || printf 'content  %s, the hash that siren info shows of the file behind our tables\n' "$hash"
  printf 'prepare  %s\n' "$(command_line "$1/" "$1")"
}

# ---- checksums, conversions, the dataset file

# matches SUM FILE: whether the contents (of a .gz: unpacked) have that checksum
matches() {
  local read=(cat)
  [[ $2 != *.gz ]] || read=(gzip -dc)
  [ "$("${read[@]}" "$2" | "${1%%:*}sum" | cut -d ' ' -f 1)" = "${1#*:}" ]
}

# unpacked FILE FOLDER: its path, or, of a .gz, that of its contents in FOLDER
unpacked() {
  local plain=$1
  if [[ $1 == *.gz ]]; then
    plain=$2/$(basename "$1" .gz)
    gzip -dc "$1" >"$plain" || return
  fi
  echo "$plain"
}

# convert WAY OUTPUT INPUT...
convert() {
  local way=$1 output=$2
  shift 2
  case $way in
    matrix)
      python3 -c 'import scipy.io' 2>/dev/null || stop "$output is made of $1 by Python with SciPy, which is not here"
      python3 - "$1" "$output.part" <<'PYTHON' || stop "$1 cannot be read"
import sys
import numpy
import scipy.io
matrix = scipy.io.loadmat(sys.argv[1])["rating"]  # user, item, category, rating, helpfulness
numpy.savetxt(sys.argv[2], matrix[:, [0, 1, 3, 2]], fmt="%d", delimiter="\t")
PYTHON
      ;;
    netflix)
      awk -F, '{ sub(/\r$/, "") } /:$/ { item = substr($0, 1, length($0) - 1); next }
        NF { print $1 "," item "," $2 "," $3 }' "$@" >"$output.part" || stop "$output cannot be written"
      ;;
  esac
  mv "$output.part" "$output"
}

program() {
  local found
  found=${SIREN:-$(command -v siren || true)}
  echo "${found:-$root/build/release/siren}"
}

# prepare NAME DIR FILE=PATH...: makes DIR/NAME.h5
prepare() {
  local name=$1 dir=$2 siren word words=() pair found
  shift 2
  siren=$(program)
  command -v "$siren" >/dev/null || stop "there is no program $siren; build it, or set SIREN to its path"
  for word in "${line[@]}"; do
    for pair in "$@"; do [ "$word" != "@${pair%%=*}" ] || word=${pair#*=}; done
    words+=("$word")
  done
  "$siren" prepare "${words[@]}" --output "$dir/$name.h5" || exit
  [ -n "$hash" ] || return 0
  found=$("$siren" info "$dir/$name.h5" --json | sed -n 's/.*"content_hash": *"\([0-9a-f]*\)".*/\1/p')
  if [ "$found" = "$hash" ]; then
    echo "$SELF: $dir/$name.h5 holds what tests/bench/RESULTS.md was measured on" >&2
  else
    echo "$SELF: warning: $dir/$name.h5 is not what tests/bench/RESULTS.md was measured on: content hash $found, there $hash" >&2
  fi
}

# ---- files that are here

# search FOLDER FILE: its path in FOLDER or in a place below
search() {
  local place name path names=("$2")
  [ "${#downloads[@]}" != 1 ] || names+=("${aliases[@]}")
  for place in '' "${places[@]}"; do
    for name in "${names[@]}"; do
      for path in "$1/${place:+$place/}$name"{,.gz}; do
        [ -f "$path" ] || continue
        echo "$path"
        return
      done
    done
  done
  return 1
}

use_local() {
  local folder=$1 name=$2 dir=$3 word file path entry sum pairs=() parts=()
  [ -d "$folder" ] || fail "--local $folder is no folder"
  mkdir -p "$dir"
  for word in "${line[@]}"; do
    [[ $word == @* ]] || continue
    file=${word#@}
    if ! path=$(search "$folder" "$file"); then
      [ "${from%%:*}" = "$file" ] || fail "$folder holds no $file or $file.gz; $SELF --print $name says what is needed"
      mkdir -p "$dir/$name"
      for entry in "${by_hand[@]}" "${downloads[@]%% *}"; do
        [ -n "$entry" ] || continue
        path=$(search "$folder" "$entry") || fail "$folder holds neither $file nor $entry to make it of"
        parts+=("$(unpacked "$path" "$dir/$name")") || stop "$path cannot be unpacked to $dir/$name"
      done
      path=$dir/$name/$file
      convert "${from#*:}" "$path" "${parts[@]}"
    fi
    for entry in "${downloads[@]}"; do
      read -r entry _ sum <<<"$entry"
      [ "$entry" != "$file" ] || [ "$sum" = - ] || matches "$sum" "$path" ||
        echo "$SELF: warning: $path is not the file that is published: another checksum than $sum" >&2
    done
    pairs+=("$file=$path")
  done
  prepare "$name" "$dir" "${pairs[@]}"
}

# ---- files to be downloaded

agree() {
  local answer=''
  show_source "$1" >&2
  [ "$yes" = no ] || return 0
  [ -t 0 ] || fail "nobody can be asked whether the terms above are agreed to; say --yes if they are"
  read -r -p 'Are these terms agreed to, and shall it be downloaded? (yes or no) ' answer
  [ "$answer" = yes ] || fail "not agreed to; nothing was downloaded"
}

# download FILE ADDRESS SUM
download() {
  local file=$1 address=$2 sum=$3
  if [ -f "$file" ] && { [ "$sum" = - ] || matches "$sum" "$file"; }; then
    echo "$SELF: $file is here already" >&2
    return
  fi
  if command -v curl >/dev/null; then
    curl --fail --location --proto '=https' --proto-redir '=https' --output "$file.part" "$address" || rm -f "$file.part"
  elif command -v wget >/dev/null; then
    wget --https-only -O "$file.part" "$address" || rm -f "$file.part"
  else
    stop "downloads need curl or wget"
  fi
  [ -f "$file.part" ] || stop "$address cannot be downloaded; take ${file##*/} from $home by hand, then --local"
  [ "$sum" = - ] || matches "$sum" "$file.part" || stop "$file.part, from $address, has another checksum than $sum"
  mv "$file.part" "$file"
}

fetch() {
  local name=$1 dir=$2 entry file address sum
  if [ ${#by_hand[@]} != 0 ]; then
    show_source "$name" >&2
    fail "$name must be downloaded by hand: ${by_hand[*]} from $home; then $SELF --local FOLDER $name"
  fi
  agree "$name"
  mkdir -p "$dir/$name"
  for entry in "${downloads[@]}"; do
    read -r file address sum <<<"$entry"
    download "$dir/$name/$file" "$address" "$sum"
    [ ${#members[@]} = 0 ] || unzip -o -j -q "$dir/$name/$file" "${members[@]}" -d "$dir/$name" ||
      stop "$dir/$name/$file cannot be unpacked"
  done
  use_local "$dir/$name" "$name" "$dir"
}

# ---- options

mode=fetch yes=no folder='' words=()
[ $# != 0 ] || mode=list
while [ $# -gt 0 ]; do
  case $1 in
    --list) mode=list ;;
    --print) mode=print ;;
    --yes) yes=yes ;;
    --local)
      [ $# -ge 2 ] || fail "--local needs a folder"
      mode=local folder=$2
      shift
      ;;
    --help)
      usage
      exit 0
      ;;
    -*) fail "unknown option $1; see $SELF --help" ;;
    *) words+=("$1") ;;
  esac
  shift
done
if [ "$mode" = list ]; then
  [ ${#words[@]} = 0 ] || fail "--list takes no name; --print ${words[0]} shows that data set"
  list
  exit 0
fi
[ ${#words[@]} != 0 ] || fail "which data set? see $SELF --list"
[ ${#words[@]} -le 2 ] || fail "a name and a folder at most, not '${words[2]}'; see $SELF --help"
describe "${words[0]}"
case $mode in
  print) show "${words[0]}" ;;
  local) use_local "$folder" "${words[0]}" "${words[1]:-.}" ;;
  fetch) fetch "${words[0]}" "${words[1]:-.}" ;;
esac
