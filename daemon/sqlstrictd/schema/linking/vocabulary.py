"""What people's words and the names in schemas have in common beyond their letters.

Facts of the English that databases are named in: common abbreviations, and the question words that
hint at a kind of column. Read by `index.py` and `alike.py`; it knows no schema.
"""

from __future__ import annotations

from typing import Final

# Words of a question that name nothing in a schema.
STOP_WORDS: Final = frozenset(
    """a all also am an and any are as at be been being both but by can could did display do doe
    doing done each either else every find for from get give gave had ha have having her here
    him his how i if in into is it its itself just least let like list many me more most much my
    neither no nor not of off on one only onto or other our out over own per please provide retrieve
    return same select she show so some such sure tell than that the their them then there these
    they thi this those to too two under until up upon use using very via want was we were what
    whatever when where whether which while who whom whose why will with within without would you
    your he ii iii hi""".split()
)

# What names shorten, and to what. Both sides singular and in lower case.
ABBREVIATIONS: Final[dict[str, tuple[str, ...]]] = {
    short: tuple(long.split("/"))
    for short, long in (
        pair.split(":")
        for pair in """
        acc:account acct:account addr:address adr:address alt:alternative/altitude
        amt:amount app:application/appointment appt:appointment apt:apartment/airport
        arr:arrival assoc:association attr:attribute auth:author/authorization
        avail:available/availability avg:average bal:balance bday:birthday bldg:building
        cat:category/catalog categ:category cd:code cert:certificate
        char:character/characteristic cnt:count/country co:company comm:commission/comment
        comp:company/competition conf:conference/confirmation cont:continent
        coord:coordinator/coordinate corp:corporation crs:course ctry:country cred:credit
        cur:currency/current curr:currency/current cust:customer del:delivery
        dep:department/departure/deposit dept:department desc:description dest:destination
        dev:device/developer dir:director dist:distance/district div:division
        dob:birth/birthday doc:document drv:driver dt:date edu:education elev:elevation
        emp:employee/employer eng:engineer env:environment est:estimate/established
        evt:event exp:experience/expense/expiry ext:extension fac:faculty fav:favorite
        freq:frequency fk:key fname:first/name func:function gend:gender
        gov:government/governor govt:government grp:group hosp:hospital hr:hour ht:height
        id:identifier img:image ind:industry/index info:information inst:institution
        instr:instructor intl:international inv:invoice/inventory itm:item jnl:journal
        lang:language lat:latitude len:length lib:library lic:license lname:last/name
        lng:longitude/language loc:location lon:longitude long:longitude lvl:level
        mag:magazine maint:maintenance max:maximum mbr:member med:medication/medium
        mfg:manufacturer/manufacturing mfr:manufacturer mgmt:management mgr:manager
        min:minimum/minute misc:miscellaneous mkt:market mo:month mod:model/modified
        msg:message mth:month mun:municipality nat:nation/nationality natl:national
        nbr:number neg:negative nr:number no:number num:number obj:object
        occ:occupation/occupancy op:operation/operator opp:opportunity/opponent ord:order
        org:organization/organisation orig:origin/original part:participant pay:payment
        pct:percent perc:percentage perf:performance/performer pers:person phn:phone
        photo:photograph pic:picture pid:person/patient/product pl:player/place
        pop:population pos:position prev:previous prereq:prerequisite pref:preference
        prj:project proc:procedure/process prod:product prof:professor/profession/profile
        proj:project prop:property pt:patient/point pub:publisher/publication/published
        pwd:password qty:quantity qtr:quarter quan:quantity rec:record/receipt ref:reference
        reg:region/registration rel:relation/release rep:representative
        req:request/requirement res:reservation/result resp:response
        rev:revenue/review/revision rm:room sal:salary sch:school/schedule sci:science
        sec:section/second/security sect:section sem:semester seq:sequence serv:service
        sess:session sig:signature spec:specification/specialty src:source
        st:street/state/station sta:station stat:status/statistic std:standard/student
        stdnt:student stmt:statement str:street stu:student subj:subject svc:service
        sys:system tech:technology/technician tel:telephone/phone temp:temperature/temporary
        tm:time/team tot:total trans:transaction/transport trk:track/truck txn:transaction
        typ:type univ:university usr:user util:utility val:value veh:vehicle ver:version
        vol:volume vs:versus wh:warehouse wk:week wt:weight yr:year
        """.split()
    )
}

# Forms of verbs that no ending tells, and the verb: who taught what stands in a table teaches.
IRREGULAR: Final[dict[str, str]] = dict(
    pair.split(":")
    for pair in """
    ate:eat began:begin bought:buy bought:buy brought:bring built:build came:come caught:catch
    chose:choose chosen:choose cost:cost drew:draw drove:drive driven:drive fed:feed felt:feel
    flew:fly flown:fly fought:fight gave:give given:give grew:grow grown:grow held:hold kept:keep
    knew:know known:know led:lead left:leave lent:lend lost:lose made:make meant:mean met:meet
    paid:pay ran:run rode:ride ridden:ride rose:rise sang:sing sung:sing sat:sit sent:send
    shot:shoot slept:sleep sold:sell spent:spend spoke:speak spoken:speak stolen:steal swam:swim
    taken:take taught:teach threw:throw thrown:throw told:tell took:take went:go won:win wore:wear
    written:write wrote:write
    """.split()
)

# Words of a question, and the words of names that they hint at.
HINTS: Final[dict[str, tuple[str, ...]]] = {
    word: tuple(hinted.split("/"))
    for word, hinted in (
        pair.split(":")
        for pair in """
        who:name/person/employee whom:name/person when:date/year/time
        where:city/location/address/place old:age/birth older:age/birth oldest:age/birth
        young:age/birth younger:age/birth youngest:age/birth born:birth/dob cheap:price/cost
        cheaper:price/cost cheapest:price/cost expensive:price/cost costly:price/cost
        cost:price/amount price:cost pay:payment/salary paid:payment/salary
        earn:salary/income/earning earned:salary/income/earning spend:amount/cost
        spent:amount/cost spending:amount wage:salary tall:height taller:height
        tallest:height heavy:weight heavier:weight heaviest:weight weigh:weight
        large:size/area/capacity largest:size/area/capacity big:size/area biggest:size/area
        long:length/duration longer:length/duration longest:length/duration fast:speed/time
        faster:speed/time fastest:speed/time high:height/elevation highest:height/elevation
        far:distance farthest:distance sex:gender male:sex/gender female:sex/gender
        man:sex/gender woman:sex/gender telephone:phone phone:telephone/mobile mail:email
        nationality:country citizenship:nationality live:address/city lived:address/city
        living:address/city resident:address/city resides:address/city
        located:location/city/address place:location/city movie:film film:movie
        song:track/music singer:artist artist:singer author:writer writer:author
        teacher:instructor/faculty/professor professor:faculty/instructor
        instructor:teacher/faculty pupil:student physician:doctor doctor:physician
        worker:employee staff:employee employee:staff/worker client:customer customer:client
        buyer:customer purchase:order/buy bought:order/purchase buy:order/purchase
        bill:invoice shop:store store:shop car:vehicle vehicle:car plane:aircraft
        airplane:aircraft/plane aircraft:plane firm:company company:firm
        boss:manager/supervisor supervisor:manager take:enrollment/registration
        took:enrollment/registration enroll:enrollment/registration
        enrolled:enrollment/registration major:department degree:program
        wed:marriage/married wife:spouse husband:spouse title:name name:title birthday:birth
        sell:sale sold:sale last:surname first:forename
        surname:last/name family:last lastname:last firstname:first
        town:city city:town nation:country country:nation revenue:sale/income/amount
        given:first mark:grade/score score:grade/point grade:score
        """.split()
    )
}
