"""What a raster job is refused for: one stable rule with a sentence in English and in Chinese each."""

from __future__ import annotations

from eco_credit.core.errors import ContractError, Violation

SENTENCES: dict[str, tuple[str, str]] = {
    "extra_missing": ("install the extra geo: eco-credit[geo]", "请安装 geo 扩展：eco-credit[geo]"),
    "job_form": ("the job does not have the form of a raster job", "作业文件格式不符"),
    "not_local": ("name a plain local file: no address, no virtual file system, no driver prefix",
                  "只接受本地文件，不接受网址、虚拟文件系统或驱动前缀"),
    "outside_folder": ("the file lies outside the folder of the job", "文件不在作业目录内"),
    "file_missing": ("there is no such file", "文件不存在"),
    "file_too_large": ("the file is larger than the house allows", "文件超过允许的大小"),
    "vrt_disguised": ("this is a virtual raster (VRT) under another name; give the GeoTIFF itself",
                      "该文件实为虚拟栅格（VRT），请提供 GeoTIFF 原文件"),
    "not_geotiff": ("this is not a GeoTIFF; convert it first", "不是 GeoTIFF 文件，请先转换"),
    "raster_unreadable": ("the GeoTIFF cannot be read", "GeoTIFF 无法读取"),
    "one_band": ("give a raster with one band", "栅格应只有一个波段"),
    "number_type": ("the cells must be integers or real numbers", "像元应为整数或实数"),
    "too_many_cells": ("the raster declares more cells than the house allows", "栅格像元数超过上限"),
    "block_too_large": ("one block of the raster does not fit in memory; write it in tiles",
                        "栅格数据块过大，请改为分块存储"),
    "raster_rotated": ("the grid must be north-up, not rotated or sheared", "栅格应为正北朝上，不得旋转或倾斜"),
    "crs_missing": ("the file does not say its coordinate reference system", "文件未声明坐标系"),
    "crs_unknown": ("the coordinate reference system is not known", "无法识别坐标系"),
    "crs_datum": ("use CGCS2000 (EPSG:4490 and its zones) or WGS-84; other datums only when the job allows them",
                  "请使用 CGCS2000（EPSG:4490 及其分带）或 WGS-84；其他基准须在作业中声明"),
    "crs_unit": ("a projected system must be in metres", "投影坐标系单位应为米"),
    "crs_distorts": ("this projection distorts area too much here; use a zone of CGCS2000",
                     "该投影在此处面积变形过大，请改用 CGCS2000 分带"),
    "crs_undeclared": ("no system is declared, so longitude and latitude are expected, and these are not",
                       "未声明坐标系时应为经纬度，而坐标超出经纬度范围"),
    "crs_bounds": ("the coordinates lie outside the bounds of the declared system; check its zone and axis order",
                   "坐标超出所声明坐标系的范围，请检查分带与坐标顺序"),
    "crs_differs": ("the file and the job declare different systems", "文件与作业声明的坐标系不一致"),
    "not_json": ("this is not a GeoJSON text", "不是 GeoJSON 文本"),
    "geojson_form": ("give a FeatureCollection of polygons", "应为面要素集合（FeatureCollection）"),
    "not_geopackage": ("this is not a GeoPackage", "不是 GeoPackage 文件"),
    "layer_unclear": ("the GeoPackage has no or several layers of that kind; name one that is a table",
                      "GeoPackage 图层不明确，请指定图层名"),
    "parcel_ending": ("parcels come as .geojson, .json or .gpkg", "地块文件应为 .geojson、.json 或 .gpkg"),
    "no_parcels": ("the file has no parcels", "文件中没有地块"),
    "too_many_parcels": ("more parcels or corners than the house allows", "地块或顶点数超过上限"),
    "parcel_id": ("every parcel needs its own id: text without control characters, at most 100 letters",
                  "每个地块应有唯一编号（100 字以内，不含控制字符）"),
    "parcel_geometry": ("a parcel must be a polygon with finite corners", "地块应为面状且坐标有效"),
    "parcel_self_crossing": ("the outline of the parcel crosses itself", "地块边界自相交"),
    "parcel_invalid": ("the outline of the parcel is not valid", "地块边界无效"),
    "parcels_overlap": ("parcels overlap, so the overlap would count twice", "地块重叠，重叠部分会被重复计算"),
    "nothing_covered": ("no cell with data lies in any parcel", "地块内没有有效像元"),
    "layer_missing": ("a service of the job needs this layer", "所选服务缺少该图层"),
    "unit_unknown": ("this layer cannot have this unit", "该图层不能使用此单位"),
    "unit_not_stated": ("state the unit of this layer", "请注明该图层的单位"),
    "class_not_listed": ("parcels hold land-cover classes for which the job gives no entry; they are not taken as zero",
                         "地块内有未列出的土地覆被类型，不能按零处理"),
    "negative_layer": ("this layer may not be negative", "该图层不得为负"),
    "above_one": ("this layer is a part of one, not a percentage", "该图层应为小数（不超过 1），不是百分数"),
    "table_form": ("the biophysical table cannot be read: csv with lucode and numbers", "生物物理参数表无法读取"),
    "service_unknown": ("rasters do not feed this service", "栅格不支持该服务"),
    "too_deep": ("the text is nested too deeply", "文本嵌套过深"),
}


def violation(field: str, rule: str, row: int | None = None) -> Violation:
    """One broken rule of the list, with its sentences."""
    en, zh = SENTENCES[rule]
    return Violation(field, rule, en, zh, row)


def refusal(field: str, rule: str, row: int | None = None) -> ContractError:
    """The error for one broken rule of the list."""
    return ContractError([violation(field, rule, row)])
