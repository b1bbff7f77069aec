/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_layer - optional content that the default configuration turns off: ISO 32000-2 8.11. */
#include "parse/pdf_run.h"

static void read_layers(struct run *r)
{
	struct obj root = pdf_get(r->pdf, &r->pdf->trailer, "Root"), base;
	struct obj oc = pdf_get(r->pdf, &root, "OCProperties"), d = pdf_get(r->pdf, &oc, "D");

	base = pdf_get(r->pdf, &d, "BaseState");
	r->caches->oc_base_off = pdf_name_is(&base, "OFF");
	r->caches->oc_off = pdf_get(r->pdf, &d, "OFF");
	r->caches->oc_on = pdf_get(r->pdf, &d, "ON");
	r->caches->oc_read = true;
}

static bool is_listed(const struct obj *array, uint32_t num)
{
	for (uint32_t i = 0; array->type == OBJ_ARRAY && i < array->len; i++)
		if (array->u.items[i].type == OBJ_REF && array->u.items[i].u.num == num)
			return true;
	return false;
}

static bool group_is_off(struct run *r, const struct obj *group)
{
	struct caches *c = r->caches;

	if (group->type != OBJ_REF)
		return false;
	return c->oc_base_off ? !is_listed(&c->oc_on, group->u.num)
			      : is_listed(&c->oc_off, group->u.num);
}

static bool membership_is_off(struct run *r, const struct obj *dict)
{
	const struct obj *groups = pdf_raw(dict, "OCGs");
	struct obj list = pdf_resolve(r->pdf, groups), policy = pdf_get(r->pdf, dict, "P");
	uint32_t on = 0, off = 0;

	if (list.type == OBJ_DICT)
		return group_is_off(r, groups) && !pdf_name_is(&policy, "AnyOff") &&
		       !pdf_name_is(&policy, "AllOff");
	if (list.type != OBJ_ARRAY || !list.len)
		return false;
	for (uint32_t i = 0; i < list.len; i++)
		*(group_is_off(r, &list.u.items[i]) ? &off : &on) += 1;
	if (pdf_name_is(&policy, "AllOn"))
		return off > 0;
	if (pdf_name_is(&policy, "AnyOff"))
		return off == 0;
	if (pdf_name_is(&policy, "AllOff"))
		return on > 0;
	return on == 0;
}

bool layer_is_off(struct run *r, const struct obj *oc)
{
	struct obj dict = pdf_resolve(r->pdf, oc), type = pdf_get(r->pdf, &dict, "Type");

	if (!r->caches->oc_read)
		read_layers(r);
	return pdf_name_is(&type, "OCMD") ? membership_is_off(r, &dict) : group_is_off(r, oc);
}
