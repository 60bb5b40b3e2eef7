/* ns.h - namespaces that only rooms know. */
#ifndef MUC_NS_H
#define MUC_NS_H

#define NS_MUC		 "http://jabber.org/protocol/muc"
#define NS_MUC_USER	 "http://jabber.org/protocol/muc#user"
#define NS_MUC_ADMIN	 "http://jabber.org/protocol/muc#admin"
#define NS_MUC_OWNER	 "http://jabber.org/protocol/muc#owner"
#define NS_MUC_UNIQUE	 "http://jabber.org/protocol/muc#unique"
#define NS_MUC_REQUEST	 "http://jabber.org/protocol/muc#request"
#define NS_MUC_CONFIG	 "http://jabber.org/protocol/muc#roomconfig"
#define NS_MUC_INFO	 "http://jabber.org/protocol/muc#roominfo"
#define NS_MUC_REGISTER	 "http://jabber.org/protocol/muc#register"
#define NS_MUC_STABLE_ID "http://jabber.org/protocol/muc#stable_id"
#define NS_CONFERENCE	 "jabber:x:conference"
#define NS_OCCUPANT_ID	 "urn:xmpp:occupant-id:0"
#define NS_MAM		 "urn:xmpp:mam:2"
#define NS_RETRACT	 "urn:xmpp:message-retract:1"
#define NS_MODERATE	 "urn:xmpp:message-moderate:1"
#define NS_HATS		 "urn:xmpp:hats:0"
#define NS_MAV		 "urn:xmpp:muc:affiliations:1"
#define NS_DMUC		 "urn:xmpp:tmp:dmuc:1"

#endif
